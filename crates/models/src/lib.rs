//! Architectures as graph builders, and reading and writing of weights.
