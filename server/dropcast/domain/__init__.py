"""Pure words of the trade: shows, drops, holds, catalogue. No asyncio, no engine, no wire."""
