//! Optimisers and schedules as graph builders.
