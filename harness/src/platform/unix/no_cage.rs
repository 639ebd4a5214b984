//! Systems on which nothing holds a program to a sandbox: what was asked for is reported as not enforced.

use std::ffi::c_int;
use std::os::fd::RawFd;
use std::time::Instant;

use crate::error::HarnessError;
use crate::sandbox::{self, Sandbox, SandboxReport};

/// macOS has `sandbox-exec`, which is marked as deprecated since 10.13 and whose language of profiles is not documented.
const BECAUSE: &str = if cfg!(target_os = "macos") {
    "macOS offers programs from outside its store only sandbox-exec, which is deprecated and not documented"
} else {
    "it is not known how to hold a program to a sandbox on this system"
};

/// The report, if a sandbox was asked for.
#[derive(Debug)]
pub(crate) struct Cage {
    report: Option<SandboxReport>,
}

/// Nothing is to be done.
#[derive(Debug, Clone, Default)]
pub(crate) struct CageOrders {}

/// Nothing is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChildCage;

/// Nothing was answered.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CageAnswers {
    nothing: c_int,
}

impl Cage {
    pub(crate) fn new(sandbox: Option<&Sandbox>, _start: Instant) -> Result<Self, HarnessError> {
        Ok(Cage { report: sandbox::without(sandbox, BECAUSE)? })
    }

    #[expect(clippy::unused_self, reason = "the same signature everywhere")]
    pub(crate) fn orders(&self) -> CageOrders {
        CageOrders {}
    }

    #[expect(clippy::unused_self, reason = "the same signature everywhere")]
    pub(crate) fn child_ends(&self) -> Vec<RawFd> {
        Vec::new()
    }

    #[expect(clippy::unused_self, reason = "the same signature everywhere")]
    pub(crate) fn handed_over(&mut self) {}

    #[expect(clippy::unused_self, reason = "the same signature everywhere")]
    pub(crate) fn watch(&self) -> RawFd {
        -1
    }

    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the same signature everywhere")]
    pub(crate) fn attend(&mut self) -> Result<(), HarnessError> {
        Ok(())
    }

    pub(crate) fn report(&mut self, _answers: CageAnswers) -> Option<SandboxReport> {
        self.report.take()
    }

    #[expect(clippy::unused_self, reason = "the same signature everywhere")]
    pub(crate) fn failure(&self, _answers: CageAnswers) -> Option<HarnessError> {
        None
    }
}

impl CageOrders {
    #[expect(clippy::unused_self, reason = "the same signature everywhere")]
    pub(crate) fn filter(&self) -> &[u64] {
        &[]
    }

    #[expect(clippy::unused_self, reason = "the same signature everywhere")]
    pub(crate) fn for_child(&self, _filter: *const u64) -> ChildCage {
        ChildCage
    }
}

impl ChildCage {
    #[expect(clippy::unused_self, reason = "the same signature everywhere")]
    pub(crate) fn take(&mut self, _descriptors: &[RawFd]) {}
}

/// Does nothing.
///
/// # Safety
///
/// Always safe; unsafe like its counterpart elsewhere.
#[allow(unsafe_code)]
#[expect(clippy::unnecessary_wraps, reason = "the same signature everywhere")]
pub(crate) unsafe fn enter(_cage: &ChildCage, _answers: *mut CageAnswers) -> Result<(), c_int> {
    Ok(())
}
