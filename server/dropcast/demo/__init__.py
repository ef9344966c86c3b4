"""The demo: one live show on the embedded engine, with a creator and a crowd in processes of their own."""
