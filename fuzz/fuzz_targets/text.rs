//! Any text parses or is refused with faults that lie in it; what parses verifies and round-trips.

#![no_main]

use graph::{Graph, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match Graph::parse(text) {
    Ok(graph) => {
        assert!(verify(&graph).is_ok());
        let printed = graph.to_string();
        let again = Graph::parse(&printed).expect("what is printed parses");
        assert_eq!(again.to_string(), printed);
    }
    Err(error) => {
        let lines = text.lines().count() + 1;
        assert!(!error.faults().is_empty());
        assert!(error.faults().iter().all(|fault| (1..=lines).contains(&fault.line)));
    }
});
