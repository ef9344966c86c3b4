"""Pure words of the wire, version 1: commands in, messages out, codecs, codes, websocket frames."""
