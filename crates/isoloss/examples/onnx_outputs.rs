//! What a network in an ONNX file computes, for comparisons with other programs:
//!
//!     cargo run --release -p isoloss --example onnx_outputs -- NET.onnx DATA BATCH OUT
//!
//! DATA holds the inputs one after the other, row-major as little-endian `f32`, integers too; OUT gets the outputs in the
//! same way. Prints the seconds of the import and the most memory that was in use after it.

#![expect(clippy::print_stdout, reason = "an example talks to people")]

use std::{env, error::Error, fs, mem, path::Path, time::Instant};

use isoloss::{
    graph::{Argument, Builder, Executor, Role, Ty, Val},
    onnx::{Moments, OnnxModel, PortKind},
    tensor::{DType, Shape, Tensor},
    transform,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [network, data, batch, out] = &arguments[..] else {
        return Err("usage: NET.onnx DATA BATCH OUT".into());
    };
    let start = Instant::now();
    let network = OnnxModel::read(Path::new(network))?;
    let weights = network.weights()?;
    println!("import {:.3} s, {} kB", start.elapsed().as_secs_f64(), peak_kilobytes()?);
    let inputs = inputs(&network, &fs::read(data)?, batch.parse()?)?;
    let outputs = run(&network, &weights, &inputs)?;
    let bytes: Vec<u8> = outputs
        .iter()
        .flat_map(Tensor::to_f64_vec)
        .flat_map(|number| (number as f32).to_le_bytes())
        .collect();
    fs::write(out, bytes)?;
    Ok(())
}

/// The most memory that the process has had.
fn peak_kilobytes() -> Result<String, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").to_owned())
}

fn inputs(network: &OnnxModel, bytes: &[u8], batch: usize) -> Result<Vec<Tensor>, Box<dyn Error>> {
    let mut numbers: Vec<f32> = bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    let mut inputs = Vec::new();
    for port in network.inputs() {
        let shape: Shape = std::iter::once(batch).chain(port.example.iter().copied()).collect();
        if numbers.len() < shape.elements() {
            return Err(format!("too few numbers for {shape}").into());
        }
        let rest = numbers.split_off(shape.elements());
        let dtype = match port.kind {
            PortKind::Float => DType::F32,
            PortKind::Integer => DType::I32,
            PortKind::Bool => DType::Bool,
        };
        inputs.push(Tensor::new(shape, mem::replace(&mut numbers, rest))?.convert(dtype));
    }
    Ok(inputs)
}

fn run(network: &OnnxModel, weights: &[Tensor], inputs: &[Tensor]) -> Result<Vec<Tensor>, Box<dyn Error>> {
    let mut b = Builder::new("network");
    let named = network.entries().iter().zip(weights);
    let entries: Vec<Val> =
        named.map(|(entry, weight)| b.input(entry.name.clone(), entry.role, Ty::of(weight))).collect();
    let fed: Vec<Val> = inputs
        .iter()
        .enumerate()
        .map(|(place, input)| b.input(format!("input {place}"), Role::Data, Ty::of(input)))
        .collect();
    let emission = network.emit(&mut b, DType::F32, &entries, &fed, Moments::Running)?;
    for (place, output) in emission.outputs.into_iter().enumerate() {
        b.output(place.to_string(), output);
    }
    let graph = transform::simplify(&b.finish());
    let mut executable = isoloss::executor().compile(&graph, &[])?;
    let arguments = weights.iter().chain(inputs).map(Argument::Borrowed).collect();
    Ok(executable.run(arguments)?)
}
