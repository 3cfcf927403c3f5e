"""The devices that TensorFlow sees."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True, slots=True)
class Device:
    """A device that TensorFlow sees: its name, its kind and whether it is used."""

    name: str
    kind: str
    description: str
    used: bool


def list_devices() -> tuple[Device, ...]:
    """Return the devices that TensorFlow sees; ``used`` marks where featviz computes."""
    found = tf.config.list_logical_devices()
    kinds = [device.device_type for device in found]
    first = kinds.index("GPU") if "GPU" in kinds else 0
    physical = {
        device.name.split("physical_device:")[-1]: device
        for device in tf.config.list_physical_devices()
    }
    devices = []
    for index, device in enumerate(found):
        short = device.name.split("device:")[-1]
        details = {}
        if device.device_type == "GPU" and short in physical:
            details = tf.config.experimental.get_device_details(physical[short])
        devices.append(
            Device(short, device.device_type, details.get("device_name", ""), index == first)
        )
    return tuple(devices)
