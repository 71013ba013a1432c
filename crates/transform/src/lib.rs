//! Program transforms on graphs: derivatives and simplification.
