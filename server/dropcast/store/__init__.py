"""The engine: key names, the engine functions and what implements the ports of domain on top of them."""
