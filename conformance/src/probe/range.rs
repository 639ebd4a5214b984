//! Between which values a limit is probed.

use std::time::Duration;

use hookproof_harness::Limit;

/// A limit to probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The limit.
    pub limit: Limit,
    /// The largest value to try, in the limit's own unit; one that no common runtime needs if `None`.
    pub most: Option<u64>,
}

const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;
/// Seconds of CPU time that are enough for any hook.
const SECONDS: u64 = 10;
/// Processes beyond those that are there.
const PROCESSES: u64 = 512;

impl Wanted {
    /// The least and the largest value to try, for a hook that takes `cpu` without a limit, while `others` processes are
    /// counted with it.
    pub(super) fn range(&self, cpu: Option<Duration>, others: Option<u64>) -> (u64, u64) {
        let (least, most) = match self.limit {
            // Static programs need less than 1 MiB; deno reserves 32 GiB (measured).
            Limit::AddressSpace => (64 * KIB, 64 * GIB),
            Limit::Data => (64 * KIB, 16 * GIB),
            Limit::Memory => (256 * KIB, 16 * GIB),
            Limit::Stack => (4 * KIB, 64 * KIB * KIB),
            Limit::FileSize => (4 * KIB, GIB),
            Limit::Cpu => (1, SECONDS.max(4 * cpu.map_or(0, |cpu| cpu.as_secs() + 1))),
            // The hard limit is 4096 where it was not changed.
            Limit::OpenFiles => (1, 1024),
            Limit::Processes => (1, others.unwrap_or(KIB) + PROCESSES),
            _ => (1, GIB),
        };
        let most = self.most.unwrap_or(most).max(1);
        (least.min(most), most)
    }
}
