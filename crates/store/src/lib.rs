//! The store port, twice: SQLite and memory.
