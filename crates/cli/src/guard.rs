//! Plugins of devices in a process of their own: one that gives up ends the process that it runs in, and takes the number of
//! its threads from the environment.

use std::{
    env,
    process::{Command, ExitCode, ExitStatus},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    common::Common,
    failure::{CliError, Failure},
    session,
};

/// Set in the process with the plugin.
const GUARDED: &str = "ISOLOSS_GUARDED";

/// The variables from which XLA takes the number of its threads when it starts.
const THREADS: [&str; 2] = ["NPROC", "PJRT_NPROC"];

/// Whether this process is to watch another that does the work.
pub(crate) fn is_wanted(common: &Common, uses_plugins: bool) -> bool {
    cfg!(unix) && env::var_os(GUARDED).is_none() && (uses_plugins || session::device(common).is_some())
}

/// Runs this program again with the same arguments, and ends as it ends.
pub(crate) fn watch(common: &Common) -> Result<ExitCode, Failure> {
    let fault = |source| CliError::Child { source };
    let mut command = Command::new(env::current_exe().map_err(fault)?);
    command.args(env::args_os().skip(1)).env(GUARDED, "1");
    for variable in THREADS.into_iter().filter(|_| common.threads > 0) {
        command.env(variable, common.threads.to_string());
    }
    // XLA writes remarks on standard error, which are not this program's.
    if env::var_os("TF_CPP_MIN_LOG_LEVEL").is_none() {
        command.env("TF_CPP_MIN_LOG_LEVEL", "3");
    }
    let status = run(&mut command)?;
    match status.code() {
        Some(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))),
        None => Err(CliError::Died {
            device: session::device(common).unwrap_or_default(),
            signal: signal(status),
        }
        .into()),
    }
}

/// The process that is watched; 0 for none.
static CHILD: AtomicU32 = AtomicU32::new(0);

/// Waits for the process; requests to stop are passed on. It has a process group of its own, so that Ctrl-C reaches it once.
#[cfg(unix)]
fn run(command: &mut Command) -> Result<ExitStatus, Failure> {
    use std::os::unix::process::CommandExt;

    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };

    ctrlc::set_handler(|| {
        if let Ok(id @ 1..) = i32::try_from(CHILD.load(Ordering::SeqCst)) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
    })
    .map_err(|source| CliError::Signal { source })?;
    let mut child = command.process_group(0).spawn().map_err(|source| CliError::Child { source })?;
    CHILD.store(child.id(), Ordering::SeqCst);
    let status = child.wait().map_err(|source| CliError::Child { source })?;
    CHILD.store(0, Ordering::SeqCst);
    Ok(status)
}

#[cfg(not(unix))]
fn run(command: &mut Command) -> Result<ExitStatus, Failure> {
    Ok(command.status().map_err(|source| CliError::Child { source })?)
}

/// The name of the signal that ended a process.
#[cfg(unix)]
fn signal(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;

    use nix::sys::signal::Signal;

    let number = status.signal().unwrap_or_default();
    Signal::try_from(number).map_or_else(|_| format!("signal {number}"), |signal| signal.as_str().to_owned())
}

#[cfg(not(unix))]
fn signal(status: ExitStatus) -> String {
    status.to_string()
}
