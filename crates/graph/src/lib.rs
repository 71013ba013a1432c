//! The graph of primitives: types, builder, verifier, text form, reference evaluator and the executor contract.
