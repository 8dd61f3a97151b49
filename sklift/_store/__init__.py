"""Where arrays are kept, by key: in memory or in a folder."""
