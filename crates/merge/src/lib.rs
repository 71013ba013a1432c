//! Interpolating and averaging networks.
