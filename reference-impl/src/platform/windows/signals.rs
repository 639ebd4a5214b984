//! What asks this process to end: the events of its console. A process that is terminated is not asked.

use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

use windows_sys::Win32::Foundation::{FALSE, TRUE};
use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;
use windows_sys::core::BOOL;

/// What a process leaves as its exit code that ends by such an event, `STATUS_CONTROL_C_EXIT`.
const CONTROL_C_EXIT: u32 = 0xC000_013A;

/// One more than the first event that has arrived, since they count from 0; 0 for none.
static ARRIVED: AtomicI32 = AtomicI32::new(0);

/// Hears Ctrl-C, Ctrl-Break, the closing of the console and the end of the session until it is dropped.
pub(crate) struct Signals(());

/// Runs in a thread of its own.
unsafe extern "system" fn heard(event: u32) -> BOOL {
    let event = i32::try_from(event).unwrap_or_default() + 1;
    let _ = ARRIVED.compare_exchange(0, event, Ordering::SeqCst, Ordering::SeqCst);
    TRUE
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// Returns the system's error if the handler is refused.
    pub(crate) fn listen() -> io::Result<Self> {
        ARRIVED.store(0, Ordering::SeqCst);
        // SAFETY: the handler stays in the program for ever.
        match unsafe { SetConsoleCtrlHandler(Some(heard), TRUE) } {
            FALSE => Err(io::Error::last_os_error()),
            _ => Ok(Self(())),
        }
    }

    /// The event that asked for the end, if one has arrived.
    pub(crate) fn asked(&self) -> Option<i32> {
        Some(ARRIVED.load(Ordering::SeqCst)).filter(|event| *event != 0)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // SAFETY: the handler that was given before.
        unsafe { SetConsoleCtrlHandler(Some(heard), FALSE) };
    }
}

/// Ends this process with the code that such an event leaves by itself.
pub(crate) fn die_by(_: i32) -> ! {
    std::process::exit(CONTROL_C_EXIT.cast_signed())
}

/// Nothing to do: a fault ends a process there.
pub(crate) fn die_of_faults() {}
