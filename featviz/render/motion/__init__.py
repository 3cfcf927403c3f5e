"""The window in motion, as GIF, WebP, APNG or single frames."""
