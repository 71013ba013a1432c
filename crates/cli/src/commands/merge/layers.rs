//! `isoloss merge --by-layer`: decoders that do not fit into memory.

use std::path::Path;

use super::{Merge, clusters};
use crate::{
    alignment::{BeforeAveraging, Layers, Method},
    failure::{CliError, Failure},
    hub::Output,
    outcome::Outcome,
    session::Session,
};

impl Merge {
    /// Matches large decoders without ever having one in memory, where it is that, and merges them.
    pub(super) fn by_layer(
        &self,
        session: &Session,
        out: &Path,
        folder: Option<&Output>,
    ) -> Result<Option<Outcome>, Failure> {
        let is_circuit = self.align == Some(BeforeAveraging::Align(Method::Circuit))
            && self.clustering.method == clusters::Method::Average;
        let refused = |flag: &str, hint| Err(CliError::NotByLayer { flag: flag.to_owned(), hint }.into());
        let (Some(folder), [a, b], true) = (folder, &self.networks[..], is_circuit) else {
            let hint = "it takes two folders of the Hugging Face Hub, --align circuit, and a folder as --out";
            return if self.by_layer { refused("what is asked for", hint) } else { Ok(None) };
        };
        let at = Some(self.at.unwrap_or(0.5));
        let task = Layers { paths: [a, b], spec: self.architecture.spec(), at, rounds: None };
        if !task.is_for_layers(self.by_layer)? {
            return Ok(None);
        }
        if self.data.is_some() {
            return refused("--data", "score the folders with isoloss evaluate");
        }
        let task = Layers { rounds: self.search.rounds_of_layers()?, ..task };
        task.run(session, folder, out).map(Some)
    }
}
