//! The log as TensorBoard reads it.
//!
//! A file of events is a sequence of records: the length of the data as 8 bytes, little-endian; their masked CRC-32C; the
//! data; their masked CRC-32C. The data are a protocol buffer `Event`: field 1 the wall time (a double), field 2 the step
//! (an integer), and either field 3, the file's version, or field 5, a `Summary` of values in field 1, each with a tag
//! (field 1) and a number (field 2, a float). That is all of it that scalars need, and less than the libraries that write
//! it bring along, so it is written here.
//!
//! Wall times are seconds since the beginning of the run, so that a file depends on the records alone and can be restored
//! like the log.

use crate::{Record, Score};

/// A whole file: the version, then every epoch.
pub(crate) fn file(records: &[Record]) -> Vec<u8> {
    let mut bytes = record(&event(0.0, 0, 3, b"brain.Event:2"));
    for end in 1..=records.len() {
        bytes.extend(epoch(&records[..end]));
    }
    bytes
}

/// The event of the last of these epochs.
pub(crate) fn epoch(records: &[Record]) -> Vec<u8> {
    let Some(last) = records.last() else { return Vec::new() };
    let seconds = records.iter().map(|record| record.seconds).sum();
    let mut summary = Vec::new();
    for (tag, number) in scalars(last) {
        let mut value = Vec::new();
        length_delimited(&mut value, 1, tag.as_bytes());
        key(&mut value, 2, Wire::Bits32);
        value.extend((number as f32).to_le_bytes());
        length_delimited(&mut summary, 1, &value);
    }
    record(&event(seconds, last.step, 5, &summary))
}

/// Tags and numbers of an epoch.
fn scalars(record: &Record) -> Vec<(String, f64)> {
    let mut scalars = vec![
        ("epoch/loss".to_owned(), record.loss),
        ("epoch/learning_rate".to_owned(), record.learning_rate),
    ];
    let mut add = |name: &str, score: &Score| {
        scalars.push((format!("{name}/loss"), score.loss));
        let more = [("accuracy", score.accuracy), ("bits_per_byte", score.bits_per_byte)];
        scalars.extend(more.into_iter().filter_map(|(what, value)| Some((format!("{name}/{what}"), value?))));
    };
    record.train.iter().for_each(|score| add("train", score));
    record.test.iter().for_each(|score| add("test", score));
    record.sets.iter().for_each(|(name, score)| add(name, score));
    scalars
}

/// How a field is encoded.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Bits64 = 1,
    Bytes = 2,
    Bits32 = 5,
}

fn event(seconds: f64, step: u64, field: u8, contents: &[u8]) -> Vec<u8> {
    let mut event = Vec::new();
    // Zeros are left out, as by every writer of such messages.
    if seconds > 0.0 {
        key(&mut event, 1, Wire::Bits64);
        event.extend(seconds.to_le_bytes());
    }
    if step > 0 {
        key(&mut event, 2, Wire::Varint);
        varint(&mut event, step);
    }
    length_delimited(&mut event, field, contents);
    event
}

fn key(out: &mut Vec<u8>, field: u8, wire: Wire) {
    out.push(field << 3 | wire as u8);
}

fn length_delimited(out: &mut Vec<u8>, field: u8, contents: &[u8]) {
    key(out, field, Wire::Bytes);
    varint(out, contents.len() as u64);
    out.extend(contents);
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let sum = |bytes: &[u8]| masked_crc(bytes).to_le_bytes();
    [&length[..], &sum(&length), data, &sum(data)].concat()
}

/// CRC-32C, rotated and moved so that sums of sums do not repeat.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

fn crc32c(bytes: &[u8]) -> u32 {
    /// The Castagnoli polynomial, lowest power first.
    const POLYNOMIAL: u32 = 0x82F6_3B78;
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, appendix B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46DD_794E);
    }

    fn records() -> Vec<Record> {
        let score = |loss, accuracy| Score { loss, accuracy: Some(accuracy), count: 10, bits_per_byte: None };
        let record = |epoch: usize, test, sets| Record {
            epoch,
            step: 200 * epoch as u64,
            learning_rate: 0.125,
            loss: 2.5 / epoch as f64,
            train: None,
            test,
            sets,
            seconds: 1.5,
        };
        let shifted = BTreeMap::from([("shifted".to_owned(), score(2.0, 0.25))]);
        vec![record(1, None, BTreeMap::new()), record(2, Some(score(1.0, 0.5)), shifted)]
    }

    /// Made by `tests/goldens/events.py` with TensorBoard's own writer.
    #[test]
    fn a_file_is_the_one_that_tensorboard_writes() {
        let golden: Vec<u8> = include_bytes!("../tests/goldens/events.out.tfevents.golden").to_vec();
        assert_eq!(file(&records()), golden);
    }

    #[test]
    fn a_file_is_its_beginning_and_its_epochs() {
        let records = records();
        assert_eq!(file(&records), [file(&records[..1]), epoch(&records)].concat());
    }
}
