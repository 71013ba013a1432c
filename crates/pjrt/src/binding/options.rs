//! Compile options: a message of XLA's `CompileOptionsProto`, written by hand because it never changes.

/// Replicas (4) and partitions (5) of `ExecutableBuildOptionsProto`. Without the counts XLA ends the process.
const ONE_REPLICA: [u8; 4] = [0x20, 1, 0x28, 1];

/// The options of a program on the device of this number, or of one that the run says where there is none.
pub(super) fn compile_options(device: Option<i32>) -> Vec<u8> {
    device.map_or_else(portable, assigned)
}

fn assigned(device: i32) -> Vec<u8> {
    let device = field(1, &varint(device as u64));
    // `DeviceAssignmentProto`: replicas (1), computations (2), and for each computation the devices of its replicas (3).
    let assignment = [&[0x08, 1, 0x10, 1], &field(3, &device)[..]].concat();
    // The assignment is field 9 of the build options.
    field(3, &[&ONE_REPLICA, &field(9, &assignment)[..]].concat())
}

fn portable() -> Vec<u8> {
    // That a program is not bound to a device is field 4.
    [&field(3, &ONE_REPLICA)[..], &[0x20, 1]].concat()
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
        assert_eq!(
            compile_options(Some(300)),
            [&[0x1a, 16, 0x20, 1, 0x28, 1, 0x4a, 10], &assignment[..]].concat()
        );
    }

    #[test]
    fn options_without_a_device_leave_it_to_the_run() {
        assert_eq!(compile_options(None), [0x1a, 4, 0x20, 1, 0x28, 1, 0x20, 1]);
    }
}
