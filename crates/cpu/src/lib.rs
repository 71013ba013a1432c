//! The CPU executor: schedule, fusion, memory plan and kernels.
