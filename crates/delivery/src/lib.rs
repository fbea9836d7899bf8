//! Destinations of the access summary and the layout of keys inside them.
