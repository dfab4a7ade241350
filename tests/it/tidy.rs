//! Reads the sources.
