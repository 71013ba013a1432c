//! Compile options: a message of XLA's `CompileOptionsProto`, written by hand because it never changes.

/// The options of a program with one replica on the device of this number. Without the counts XLA ends the process.
pub(super) fn compile_options(device: i32) -> Vec<u8> {
    let device = field(1, &varint(device as u64));
    // `DeviceAssignmentProto`: replicas (1), computations (2), and for each computation the devices of its replicas (3).
    let assignment = [&[0x08, 1, 0x10, 1], &field(3, &device)[..]].concat();
    // `ExecutableBuildOptionsProto`: replicas (4), partitions (5), the assignment (9).
    let build = [&[0x20, 1, 0x28, 1], &field(9, &assignment)[..]].concat();
    field(3, &build)
}

/// A field with its length.
fn field(number: u8, contents: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2], &varint(contents.len() as u64)[..], contents].concat()
}

/// Seven bits a byte, the lowest first; all but the last have the highest bit.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_one_replica_on_one_device() {
        let assignment = [0x08, 1, 0x10, 1, 0x1a, 4, 0x0a, 2, 0xac, 2];
        assert_eq!(compile_options(300), [&[0x1a, 16, 0x20, 1, 0x28, 1, 0x4a, 10], &assignment[..]].concat());
    }
}
