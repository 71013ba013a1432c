//! Peers that prepare once and then take turns, so that what they compile serves all rounds.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use tempfile::{NamedTempFile, TempDir};

use super::{Answer, Call, PeerReport, Peers, last_lines, read};
use crate::{BenchError, benchmarks::temporary_folder};

/// A peer's process. It prints one object once it is prepared, and one for each line that it is sent.
pub(crate) struct LivePeer {
    call: Call,
    child: Child,
    asking: ChildStdin,
    answering: BufReader<ChildStdout>,
    said: NamedTempFile,
    /// Where the peer and its processes keep temporary files, as what they compile. It ends with the peer, which has no
    /// time to clear up.
    _temporary: TempDir,
}

impl Peers {
    /// Starts a peer and waits until it is prepared; its description, or why it is absent.
    ///
    /// # Errors
    /// Where the peer is installed and fails, or is absent and required.
    pub(crate) fn start(&self, call: &Call) -> Result<(Answer, Option<LivePeer>), BenchError> {
        let (answer, peer) = match self.command(call) {
            Err(reason) => (Answer::Absent(reason), None),
            Ok(command) => {
                let mut peer = LivePeer::new(call, command)?;
                (peer.answer()?, Some(peer))
            }
        };
        match answer {
            Answer::Absent(reason) if self.required => {
                Err(BenchError::PeerAbsent { peer: call.name, reason })
            }
            Answer::Absent(_) => Ok((answer, None)),
            Answer::Present(_) => Ok((answer, peer)),
        }
    }
}

impl LivePeer {
    fn new(call: &Call, mut command: std::process::Command) -> Result<Self, BenchError> {
        let said = NamedTempFile::new().map_err(|source| BenchError::Temporary { source })?;
        let file = said.reopen().map_err(|source| BenchError::Temporary { source })?;
        let temporary = temporary_folder()?;
        command.env("TMPDIR", temporary.path());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file).spawn();
        let started = |source| BenchError::Start { program: command.get_program().into(), source };
        let mut child = child.map_err(started)?;
        let (Some(asking), Some(answering)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both were asked for")
        };
        Ok(Self {
            call: call.clone(),
            child,
            asking,
            answering: BufReader::new(answering),
            said,
            _temporary: temporary,
        })
    }

    /// Lets the peer make a turn.
    ///
    /// # Errors
    /// Where it fails or has gone.
    pub(crate) fn turn(&mut self) -> Result<PeerReport, BenchError> {
        self.asking
            .write_all(b"\n")
            .and_then(|()| self.asking.flush())
            .map_err(|source| self.gone(source))?;
        match self.answer()? {
            Answer::Present(report) => Ok(report),
            Answer::Absent(problem) => {
                Err(BenchError::Peer { peer: self.call.name, problem, said: self.last_lines() })
            }
        }
    }

    fn answer(&mut self) -> Result<Answer, BenchError> {
        let mut line = String::new();
        self.answering.read_line(&mut line).map_err(|source| self.gone(source))?;
        let status = if line.is_empty() { "found the end of its output" } else { "found something else" };
        read(&self.call, line.as_bytes(), status, &|| self.last_lines())
    }

    fn gone(&self, source: std::io::Error) -> BenchError {
        BenchError::Talk { peer: self.call.name, source, said: self.last_lines() }
    }

    fn last_lines(&self) -> String {
        fs::read(self.said.path()).map_or_else(|_| String::new(), |text| last_lines(&text))
    }
}

impl Drop for LivePeer {
    /// A peer left alone would hold memory, and threads that wait by spinning.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
