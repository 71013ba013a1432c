//! The loss landscape: loss along a segment and its barrier.
