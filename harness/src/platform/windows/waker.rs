#![allow(unsafe_code)]
//! Events: what Windows waits for.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Threading::{CreateEventW, SetEvent};

use crate::error::HarnessError;

/// A manual-reset event that is not signaled yet.
pub(super) fn event() -> Result<OwnedHandle, HarnessError> {
    // SAFETY: creates a nameless event; the handle is owned by nobody else.
    unsafe {
        let handle = CreateEventW(ptr::null(), 1, 0, ptr::null());
        if handle.is_null() {
            return Err(HarnessError::System { doing: "create an event", source: io::Error::last_os_error() });
        }
        Ok(OwnedHandle::from_raw_handle(handle))
    }
}

/// An event that is signaled for ever when somebody cancels.
#[derive(Debug)]
pub(crate) struct Waker {
    event: OwnedHandle,
}

impl Waker {
    pub(crate) fn new() -> Result<Self, HarnessError> {
        Ok(Waker { event: event()? })
    }

    pub(crate) fn wake(&self) {
        // SAFETY: our own event.
        unsafe { SetEvent(self.event.as_raw_handle()) };
    }

    pub(super) fn handle(&self) -> HANDLE {
        self.event.as_raw_handle()
    }
}
