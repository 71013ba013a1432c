//! Plugins: shared libraries with one function, `GetPjrtApi`.
#![expect(unsafe_code, reason = "a library is loaded, and its tables are read")]

use std::{
    collections::BTreeMap,
    error::Error as _,
    fs, io,
    path::{Path, PathBuf},
    ptr,
    sync::{Arc, Mutex, PoisonError},
    time::UNIX_EPOCH,
};

use super::{
    api::{Api, Code, Failure, text_at},
    calls::{NUMBER, NUMBERS, NamedValue, PluginAttributes, PluginInitialize, TEXT},
};

/// The major version of the interface.
const MAJOR: i32 = 0;

/// The oldest minor version whose structures are known to be a part of ours: the oldest plugin that was tried.
const OLDEST_MINOR: i32 = 81;

/// A loaded plugin.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(super) api: Api,
    /// The file, with links resolved.
    pub(crate) path: PathBuf,
    /// The version of the interface.
    pub(crate) version: [i32; 2],
    /// What the plugin says of itself, such as `xla_version`.
    pub(crate) attributes: BTreeMap<String, String>,
    /// Size and time of change of the file: what was compiled by another file of this name is not used.
    pub(crate) stamp: (u64, u128),
}

/// Why a file is no plugin that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PluginError {
    #[error("cannot be read: {0}")]
    File(#[from] io::Error),
    #[error("is no shared library that this system can load: {0}")]
    Library(String),
    #[error("is a shared library but no PJRT plugin: it has no function GetPjrtApi")]
    NoPlugin,
    #[error("gives no table of functions")]
    NoTable,
    #[error("has version {major}.{minor} of the PJRT interface; this program needs 0.{OLDEST_MINOR} or later", major = .0[0], minor = .0[1])]
    Version([i32; 2]),
    #[error("does not start: {0}")]
    Start(Failure),
}

impl Plugin {
    /// The plugin in this file. A file is loaded once in a process, and stays.
    pub(crate) fn load(path: &Path) -> Result<Arc<Self>, PluginError> {
        static LOADED: Mutex<BTreeMap<PathBuf, Arc<Plugin>>> = Mutex::new(BTreeMap::new());
        let path = fs::canonicalize(path)?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plugin) = loaded.get(&path) {
            return Ok(Arc::clone(plugin));
        }
        let plugin = Arc::new(Self::start(&path)?);
        loaded.insert(path, Arc::clone(&plugin));
        Ok(plugin)
    }

    fn start(path: &Path) -> Result<Self, PluginError> {
        let metadata = fs::metadata(path)?;
        let changed = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (api, version) = open(path)?;
        if version[0] != MAJOR || version[1] < OLDEST_MINOR {
            return Err(PluginError::Version(version));
        }
        let api = initialized(api).map_err(PluginError::Start)?;
        let attributes = attributes(&api).unwrap_or_default();
        let stamp = (metadata.len(), changed.as_nanos());
        Ok(Self { api, path: path.to_owned(), version, attributes, stamp })
    }
}

fn open(path: &Path) -> Result<(Api, [i32; 2]), PluginError> {
    // SAFETY: loading runs the library's initialisers; the user named the file as a plugin.
    let library =
        unsafe { libloading::Library::new(path) }.map_err(|error| PluginError::Library(reason(&error)))?;
    // SAFETY: every plugin exports this function with this type.
    let get = unsafe { library.get::<extern "C" fn() -> *const u8>(b"GetPjrtApi\0") };
    let table = get.map_err(|_| PluginError::NoPlugin)?();
    // Plugins start threads and cannot be unloaded.
    std::mem::forget(library);
    // SAFETY: the table is the plugin's, which stays loaded.
    unsafe { Api::new(table) }.ok_or(PluginError::NoTable)
}

/// What the system says of a library that it cannot load: above all, which other library is missing.
fn reason(error: &libloading::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Initialises the plugin; one that demands structures of exactly the known size gets them.
fn initialized(api: Api) -> Result<Api, Failure> {
    // SAFETY: there are no fields.
    match unsafe { api.call(PluginInitialize {}) } {
        Err(failure) if failure.code == Code::InvalidArgument => {
            let exact = api.with_exact_sizes();
            // SAFETY: as above.
            unsafe { exact.call(PluginInitialize {}) }.map(|_| exact)
        }
        result => result.map(|_| api),
    }
}

fn attributes(api: &Api) -> Result<BTreeMap<String, String>, Failure> {
    // SAFETY: the fields are results.
    let found = unsafe { api.call(PluginAttributes { attributes: ptr::null(), count: 0 }) }?;
    if found.attributes.is_null() {
        return Ok(BTreeMap::new());
    }
    // SAFETY: the plugin gives so many, for as long as the process lives.
    let all = unsafe { std::slice::from_raw_parts(found.attributes, found.count) };
    Ok(all.iter().map(named).collect())
}

fn named(attribute: &NamedValue) -> (String, String) {
    // SAFETY: the name belongs to the attribute.
    let name = unsafe { text_at(attribute.name, attribute.name_size) };
    let value = match attribute.kind {
        // SAFETY: the value of this kind is text of this size.
        TEXT => unsafe { text_at(attribute.value as *const u8, attribute.value_size) },
        NUMBER => (attribute.value as i64).to_string(),
        NUMBERS => {
            // SAFETY: the value of this kind is a list of this size.
            let numbers =
                unsafe { std::slice::from_raw_parts(attribute.value as *const i64, attribute.value_size) };
            numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(".")
        }
        _ => attribute.value.to_string(),
    };
    (name, value)
}
