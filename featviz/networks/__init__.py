"""Keras models: what every layer gives, holds and costs."""
