//! How many images of CIFAR's size the loader makes in a second, for each kind of augmentation.
//!
//! `cargo run --release -p isoloss-data --example loader [THREADS]`

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal")]

use std::{env, fs, time::Instant};

use isoloss_data::{Epoch, epoch_order, load};
use tensor::{Key, parallel};

const IMAGES: usize = 50_000;
const BATCH: usize = 128;
const RECORD: usize = 3073;

fn main() {
    let threads = env::args().nth(1).map_or(2, |threads| threads.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let key = Key::new(0);
    for file in 0..5 {
        let byte = |at: usize| if at.is_multiple_of(RECORD) { 0 } else { key.bits(at as u64) as u8 };
        let bytes: Vec<u8> = (0..IMAGES / 5 * RECORD).map(byte).collect();
        fs::write(folder.path().join(format!("data_batch_{}.bin", file + 1)), bytes).unwrap();
    }
    fs::write(folder.path().join("test_batch.bin"), vec![0; RECORD]).unwrap();
    for augment in ["", ",augment=crop+flip", ",augment=scale+flip+rotate"] {
        let spec = format!("cifar10:{},normalize=on{augment}", folder.path().display());
        let rate = parallel::with_threads(threads, || images_per_second(&spec)).unwrap();
        println!("{rate:>8.0} images/s with {threads} threads{augment}");
    }
}

/// The rate of one epoch in which nothing is done with the batches.
fn images_per_second(spec: &str) -> f64 {
    let data = load(spec).unwrap().train;
    let order = epoch_order(Key::new(0), 0, data.len());
    let epoch = Epoch { data: &data, order: &order, batch: BATCH, skip: 0, key: Key::new(0) };
    let start = Instant::now();
    epoch.with_batches(|batches| {
        while let Some(batch) = batches.next() {
            batches.give_back(batch);
        }
    });
    data.len() as f64 / start.elapsed().as_secs_f64()
}
