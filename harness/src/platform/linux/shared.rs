#![allow(unsafe_code)]
//! Memory that harness, guardian and spawner share. It lies at the same address in all of them, so the pointers of a
//! start are written by the harness and handed to `execve` as they are.

use std::ffi::{CString, c_char, c_void};
use std::{io, mem, ptr};

use super::super::unix::{ChildPlan, ChildReport, ChildStreams, Program};
use super::trace::{PreparedWatch, WatchArea};
use crate::error::HarnessError;
use crate::watch::Watch;

/// Living processes that are named at most.
pub(super) const MOST_LISTED: usize = 1024;
/// Stack of each helper, and of the child until it executes. No frame there is larger than a few KiB.
const STACK: usize = 128 * 1024;
/// Room for the walk over a tree; only what is used is ever touched.
const WALK: usize = 1024 * 1024;
/// Room for arguments and variables. The kernel takes at most 6 MiB of them (three quarters of its 8 MiB bound), so
/// what has no place here could not be executed anyway.
const STRINGS: usize = 8 * 1024 * 1024;
/// Alignment of stacks on every architecture.
const STACK_ALIGNMENT: usize = 16;

/// The part with a fixed form.
#[repr(C)]
pub(super) struct Control {
    /// What to start.
    pub(super) plan: ChildPlan,
    /// The streams of the start in progress, as numbers of the spawner.
    pub(super) streams: ChildStreams,
    /// Written by the child if a step failed: a [`FailedStep`](super::super::unix::FailedStep), else 0.
    pub(super) failed_step: i32,
    pub(super) failed_errno: i32,
    /// Written by the child before it executes.
    pub(super) report: ChildReport,
    /// The spawner's end of the socket.
    pub(super) socket: i32,
    /// The guardian's process id.
    pub(super) guardian: i32,
    /// The running program, 0 if there is none.
    pub(super) program: i32,
    /// 1 if the program is to be watched.
    pub(super) watched: i32,
    /// Answer to a request to list.
    pub(super) listed: [i32; MOST_LISTED],
}

const STACKS_AT: usize = mem::size_of::<Control>().next_multiple_of(4096);
const WALK_AT: usize = STACKS_AT + 3 * STACK;
const STRINGS_AT: usize = WALK_AT + WALK;
/// What only watched runs need; the others never touch it.
const WATCH_AT: usize = STRINGS_AT + STRINGS;
const SIZE: usize = WATCH_AT + mem::size_of::<WatchArea>();

/// Which of the three stacks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stack {
    Guardian = 1,
    Spawner = 2,
    Child = 3,
}

/// The mapping, owned by the harness. The helpers only know the address.
#[derive(Debug)]
pub(super) struct Shared {
    control: *mut Control,
}

// SAFETY: the mapping belongs to this value alone; the helpers use it only between a request and its reply.
unsafe impl Send for Shared {}

impl Shared {
    pub(super) fn new() -> Result<Self, HarnessError> {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a fresh anonymous mapping.
        let address = unsafe { libc::mmap(ptr::null_mut(), SIZE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        if address == libc::MAP_FAILED {
            let source = io::Error::last_os_error();
            return Err(HarnessError::System { doing: "map shared memory", source });
        }
        Ok(Shared { control: address.cast() })
    }

    pub(super) fn control(&self) -> *mut Control {
        self.control
    }

    /// Writes down what to start. `None` if it has no place.
    pub(super) fn write_plan(&mut self, program: &Program) -> Option<()> {
        // SAFETY: the region behind STRINGS_AT is inside the mapping and used by nobody while no start is under way.
        let strings = unsafe { self.control.byte_add(STRINGS_AT) };
        let mut room = Room { at: strings.cast(), left: STRINGS };
        let candidates = room.pointers(&program.candidates)?;
        let arguments = room.pointers(&program.arguments)?;
        let variables = room.pointers(&program.variables)?;
        let directory = match &program.directory {
            Some(directory) => room.string(directory)?,
            None => ptr::null(),
        };
        let group = match &program.group {
            Some(group) => room.string(group)?,
            None => ptr::null(),
        };
        let (limits, limit_count) = program.limits();
        let traced = program.traced;
        let cage = program.cage.for_child(room.copies(program.cage.filter())?);
        let plan = ChildPlan { candidates, arguments, variables, directory, group, limits, limit_count, traced, cage };
        // SAFETY: the control part is inside the mapping; the spawner reads it only after the request.
        unsafe { (*self.control).plan = plan };
        Some(())
    }

    /// Writes down whether the next program is watched, and for what.
    pub(super) fn write_watch(&mut self, watch: Option<&Watch>) -> Option<PreparedWatch> {
        // SAFETY: the parts are inside the mapping and used by nobody else while no run is under way.
        unsafe {
            (*self.control).watched = i32::from(watch.is_some());
            watch.map(|watch| PreparedWatch::write(&mut *watch_area(self.control), watch))
        }
    }

    /// What the spawner has written about a watched run that is over.
    pub(super) fn watched(&self) -> &WatchArea {
        // SAFETY: inside the mapping, and the spawner has no run under way.
        unsafe { &*watch_area(self.control) }
    }

    /// The ids that the spawner listed.
    pub(super) fn listed(&self, count: usize) -> Vec<i32> {
        // SAFETY: the spawner has answered, so it does not write any more.
        unsafe { (*self.control).listed }.into_iter().take(count).collect()
    }

    /// What the child of the last start found out before it executed.
    pub(super) fn report(&self) -> ChildReport {
        // SAFETY: inside the mapping; a child may write it while it starts, hence volatile.
        unsafe { ptr::read_volatile(&raw const (*self.control).report) }
    }

    /// The id of the running program, 0 if there is none yet.
    pub(super) fn program_id(&self) -> i32 {
        // SAFETY: inside the mapping; the spawner may write it at any time, hence volatile.
        unsafe { ptr::read_volatile(&raw const (*self.control).program) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: unmaps what `new` has mapped; the helpers have mappings of their own.
        unsafe { libc::munmap(self.control.cast(), SIZE) };
    }
}

/// Where the helpers' stacks begin (they grow downwards).
///
/// # Safety
///
/// `control` is the address of the mapping.
pub(super) unsafe fn stack_top(control: *mut Control, stack: Stack) -> *mut c_void {
    // SAFETY: inside the mapping by the constants above.
    let top = unsafe { control.byte_add(STACKS_AT + stack as usize * STACK) };
    debug_assert!(top.addr().is_multiple_of(STACK_ALIGNMENT));
    top.cast()
}

/// What is shared about a watched run.
///
/// # Safety
///
/// `control` is the address of the mapping.
pub(super) unsafe fn watch_area(control: *mut Control) -> *mut WatchArea {
    // SAFETY: inside the mapping by the constants above, and aligned, because all that comes before is whole pages.
    unsafe { control.byte_add(WATCH_AT) }.cast()
}

/// Room for the walk over a tree: so many entries of two ids.
///
/// # Safety
///
/// `control` is the address of the mapping.
pub(super) unsafe fn walk_room(control: *mut Control) -> (*mut [i32; 2], usize) {
    // SAFETY: inside the mapping by the constants above.
    (unsafe { control.byte_add(WALK_AT) }.cast(), WALK / mem::size_of::<[i32; 2]>())
}

/// Hands out memory from front to back.
struct Room {
    at: *mut u8,
    left: usize,
}

impl Room {
    fn take(&mut self, size: usize) -> Option<*mut u8> {
        self.left = self.left.checked_sub(size)?;
        let taken = self.at;
        // SAFETY: at most `left` bytes further, which are inside the region.
        self.at = unsafe { self.at.add(size) };
        Some(taken)
    }

    fn string(&mut self, string: &CString) -> Option<*const c_char> {
        let bytes = string.as_bytes_with_nul();
        let room = self.take(bytes.len())?;
        // SAFETY: `room` has that many bytes and is no part of the string.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), room, bytes.len()) };
        Some(room.cast_const().cast())
    }

    /// Plain values, one behind the other.
    fn copies<T: Copy>(&mut self, values: &[T]) -> Option<*const T> {
        self.take(self.at.addr().wrapping_neg() % mem::align_of::<T>())?;
        let room = self.take(mem::size_of_val(values))?.cast::<T>();
        // SAFETY: `room` has that many bytes, is aligned, and is no part of the values.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), room, values.len()) };
        Some(room.cast_const())
    }

    /// The strings, and an array of pointers to them that ends in a null pointer.
    fn pointers(&mut self, strings: &[CString]) -> Option<*const *const c_char> {
        const ONE: usize = mem::size_of::<*const c_char>();
        self.take(self.at.addr().wrapping_neg() % ONE)?;
        let array = self.take((strings.len() + 1).checked_mul(ONE)?)?.cast::<*const c_char>();
        for (index, string) in strings.iter().enumerate() {
            let string = self.string(string)?;
            // SAFETY: the array has room for one more than there are strings, and is aligned.
            unsafe { array.add(index).write(string) };
        }
        // SAFETY: as above.
        unsafe { array.add(strings.len()).write(ptr::null()) };
        Some(array.cast_const())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::cage::CageOrders;
    use std::ffi::CStr;

    fn program(argument: &str) -> Program {
        let c = |s: &str| CString::new(s).expect("no NUL");
        Program {
            candidates: vec![c("/bin/x")],
            arguments: vec![c("x"), c(argument)],
            variables: vec![],
            directory: Some(c("/")),
            group: None,
            limits: vec![],
            traced: false,
            cage: CageOrders::default(),
        }
    }

    #[test]
    fn the_plan_can_be_read_back() {
        let mut shared = Shared::new().expect("a mapping");
        shared.write_plan(&program("odd")).expect("room");
        // SAFETY: the plan was just written.
        unsafe {
            let plan = (*shared.control()).plan;
            assert_eq!(CStr::from_ptr(*plan.arguments.add(1)), c"odd");
            assert!((*plan.arguments.add(2)).is_null());
            assert!((*plan.variables).is_null());
            assert_eq!(CStr::from_ptr(plan.directory), c"/");
        }
    }

    #[test]
    fn what_has_no_place_is_refused() {
        let mut shared = Shared::new().expect("a mapping");
        assert_eq!(shared.write_plan(&program(&"x".repeat(STRINGS))), None);
    }
}
