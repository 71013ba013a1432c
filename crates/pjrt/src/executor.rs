//! The executor of a device: graphs compiled by a plugin.

use std::{
    any::Any,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use graph::{
    Argument, Donation, ExecError, Executable, Executor, Graph, Held, Placed, Resident, Ty, Value,
    check_donations, check_types,
};
use tensor::Tensor;

use crate::{
    Settings,
    binding::{Client, Code, DeviceBuffer, Failure, Given, Loaded},
    cache::{Digest, DiskCache},
    stablehlo::stablehlo,
};

/// Runs graphs on a device of a PJRT plugin, with others as its companions where work can be shared.
///
/// Clones share the device and what has been compiled. Results have the same bits for the same plugin, device and number of
/// threads, as far as the plugin keeps that; between executors they agree to rounding.
#[derive(Clone)]
pub struct Pjrt {
    device: Arc<Device>,
    settings: Settings,
    loaded: Arc<Mutex<BTreeMap<Digest, Weak<Loaded>>>>,
    companions: Arc<[Box<dyn Executor>]>,
}

/// A device of a client.
#[derive(Debug)]
struct Device {
    client: Arc<Client>,
    position: usize,
    name: String,
    /// Whether programs are for this device alone. Those of a team are for all of its devices: compiled once.
    is_alone: bool,
}

impl Device {
    fn bound(&self) -> Option<usize> {
        self.is_alone.then_some(self.position)
    }

    fn unbound(&self) -> Option<usize> {
        (!self.is_alone).then_some(self.position)
    }

    fn failure(&self, action: impl Into<String>, failure: &Failure) -> ExecError {
        let hint = match failure.code {
            Code::ResourceExhausted => ": the device has no memory left; try a smaller batch or network",
            Code::Unimplemented => ": the plugin cannot do this; try a newer one",
            _ => "",
        };
        ExecError::Device {
            action: action.into(),
            device: self.name.clone(),
            problem: format!("{failure}{hint}"),
        }
    }

    fn value(self: &Arc<Self>, buffer: DeviceBuffer) -> Value {
        Value::Resident(Box::new(OnDevice { device: Arc::clone(self), buffer: Arc::new(buffer) }))
    }

    fn upload(&self, tensor: &Tensor) -> Result<DeviceBuffer, ExecError> {
        DeviceBuffer::upload(&self.client, self.position, tensor)
            .map_err(|failure| self.failure(format!("moving a tensor of type {}", Ty::of(tensor)), &failure))
    }
}

impl Pjrt {
    /// The devices at these positions, of which there is one at least: the first with the others as its companions.
    pub(crate) fn new(client: &Arc<Client>, positions: &[usize], settings: &Settings) -> Self {
        let (first, others) = positions.split_first().expect("one device at least");
        let (is_alone, loaded) = (others.is_empty(), Arc::default());
        let own = |position: usize, name: String, companions: Arc<[Box<dyn Executor>]>| {
            let device = Arc::new(Device { client: Arc::clone(client), position, name, is_alone });
            Self { device, settings: settings.clone(), loaded: Arc::clone(&loaded), companions }
        };
        let other = |&position: &usize| -> Box<dyn Executor> {
            Box::new(own(position, name(client, &[position]), Arc::default()))
        };
        own(*first, name(client, positions), others.iter().map(other).collect())
    }

    /// The compiled program, from this process, from the disk, or new.
    fn load(&self, graph: &Graph, text: &str) -> Result<Arc<Loaded>, ExecError> {
        let Device { client, position, is_alone, .. } = &*self.device;
        let digest = Digest::of(client, *position, *is_alone, text);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = loaded.get(&digest).and_then(Weak::upgrade) {
            return Ok(program);
        }
        let program = self.load_or_compile(graph, text, &digest)?;
        self.check_results(graph, &program)?;
        let program = Arc::new(program);
        loaded.retain(|_, program| program.strong_count() > 0);
        loaded.insert(digest, Arc::downgrade(&program));
        Ok(program)
    }

    /// A run writes as many results as the program has: a damaged file of the cache must not decide how many.
    fn check_results(&self, graph: &Graph, program: &Loaded) -> Result<(), ExecError> {
        let action = || format!("compiling graph '{}'", graph.name());
        let count = program.result_count().map_err(|failure| self.device.failure(action(), &failure))?;
        if count == graph.outputs().len() {
            return Ok(());
        }
        let problem =
            format!("the compiled program has {count} results instead of {}", graph.outputs().len());
        Err(ExecError::Device { action: action(), device: self.device.name.clone(), problem })
    }

    fn load_or_compile(&self, graph: &Graph, text: &str, digest: &Digest) -> Result<Loaded, ExecError> {
        let (client, cache) = (&self.device.client, self.settings.cache.clone().map(DiskCache));
        let kept = cache.as_ref().and_then(|cache| cache.read(digest));
        // What another version of the plugin has written is compiled again.
        if let Some(program) = kept.and_then(|bytes| Loaded::deserialize(client, &bytes).ok()) {
            return Ok(program);
        }
        let program = Loaded::compile(client, self.device.bound(), text).map_err(|failure| {
            self.device.failure(format!("compiling graph '{}'", graph.name()), &failure)
        })?;
        if let (Some(cache), Ok(bytes)) = (cache, program.serialize()) {
            cache.write(digest, &bytes);
        }
        Ok(program)
    }
}

impl Executor for Pjrt {
    fn name(&self) -> String {
        self.device.name.clone()
    }

    fn compile(&self, graph: &Graph, donations: &[Donation]) -> Result<Box<dyn Executable>, ExecError> {
        check_donations(graph, donations)?;
        let program = self.load(graph, &stablehlo(graph, donations, self.settings.precision))?;
        let results = graph.outputs().iter().map(|output| graph.ty(output.val).clone()).collect();
        let donated: usize =
            donations.iter().map(|donation| graph.ty(graph.inputs()[donation.input].val).size_bytes()).sum();
        Ok(Box::new(Compiled {
            device: Arc::clone(&self.device),
            graph: graph.clone(),
            program,
            results,
            donated,
        }))
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn companions(&self) -> &[Box<dyn Executor>] {
        &self.companions
    }
}

/// As `cuda 0 (NVIDIA H100 80GB HBM3) by PJRT`, or with the numbers of several devices.
fn name(client: &Client, positions: &[usize]) -> String {
    let kind = client.device_kind(positions[0]).unwrap_or_default();
    let numbers: Vec<String> = positions.iter().map(usize::to_string).collect();
    format!("{} {} ({kind}) by PJRT", client.platform, numbers.join("+"))
}

/// A graph compiled for a device.
#[derive(Debug)]
struct Compiled {
    device: Arc<Device>,
    graph: Graph,
    program: Arc<Loaded>,
    results: Vec<Ty>,
    /// Bytes of results in the memory of donated arguments.
    donated: usize,
}

impl Compiled {
    fn given(&self, argument: Placed<'_>) -> Result<Given, ExecError> {
        match argument {
            Placed::Tensor(tensor) => self.device.upload(tensor).map(Given::Away),
            Placed::Borrowed(value) => self.borrowed(value),
            Placed::Donated(value) => {
                let given = self.borrowed(&value)?;
                drop(value);
                Ok(given.given_away())
            }
        }
    }

    /// The value itself where it is on this device, else a copy: straight from a device of the same plugin.
    fn borrowed(&self, value: &Value) -> Result<Given, ExecError> {
        let Device { client, position, .. } = &*self.device;
        let near = match value {
            Value::Host(_) => None,
            Value::Resident(resident) => resident.as_any().downcast_ref::<OnDevice>(),
        };
        match near.filter(|near| Arc::ptr_eq(client, &near.device.client)) {
            Some(near) if near.device.position == *position => Ok(Given::Kept(Arc::clone(&near.buffer))),
            Some(near) => near.buffer.copy_to(*position).map(Given::Away).map_err(|failure| {
                self.device.failure(format!("copying a tensor from {}", near.device.name), &failure)
            }),
            None => self.device.upload(&*value.tensor()?).map(Given::Away),
        }
    }

    fn start(&self, arguments: Vec<Placed<'_>>) -> Result<Vec<DeviceBuffer>, ExecError> {
        check_types(&self.graph, arguments.iter().map(Placed::ty))?;
        let given: Vec<Given> =
            arguments.into_iter().map(|argument| self.given(argument)).collect::<Result<_, _>>()?;
        self.program
            .run(&given, &self.results, self.device.unbound())
            .map_err(|failure| self.failure(&failure))
    }

    fn failure(&self, failure: &Failure) -> ExecError {
        self.device.failure(format!("running graph '{}'", self.graph.name()), failure)
    }
}

impl Executable for Compiled {
    fn run(&mut self, arguments: Vec<Argument<'_>>) -> Result<Vec<Tensor>, ExecError> {
        let placed = arguments
            .into_iter()
            .map(|argument| match argument {
                Argument::Borrowed(tensor) => Placed::Tensor(tensor),
                Argument::Donated(tensor) => Placed::Donated(Value::Host(tensor)),
            })
            .collect();
        let results = self.start(placed)?;
        results.iter().map(|buffer| buffer.download().map_err(|failure| self.failure(&failure))).collect()
    }

    fn run_placed(&mut self, arguments: Vec<Placed<'_>>) -> Result<Vec<Value>, ExecError> {
        Ok(self.start(arguments)?.into_iter().map(|buffer| self.device.value(buffer)).collect())
    }

    fn hold<'a>(&self, tensor: &'a Tensor) -> Result<Held<'a>, ExecError> {
        self.device.upload(tensor).map(|buffer| Held::Value(self.device.value(buffer)))
    }

    /// What the plugin says, or 0 where it says nothing.
    fn workspace_bytes(&self) -> usize {
        self.program.temporary_bytes().unwrap_or(0)
    }

    fn result_bytes(&self) -> usize {
        self.results.iter().map(Ty::size_bytes).sum::<usize>() - self.donated
    }
}

/// A tensor on a device.
#[derive(Debug)]
struct OnDevice {
    device: Arc<Device>,
    buffer: Arc<DeviceBuffer>,
}

impl Resident for OnDevice {
    fn ty(&self) -> &Ty {
        &self.buffer.ty
    }

    fn read(&self) -> Result<Tensor, ExecError> {
        self.buffer.download().map_err(|failure| {
            self.device.failure(format!("reading a tensor of type {}", self.buffer.ty), &failure)
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
