//! The attempts, each by what it is about. An attempt runs as the program in the sandbox, in `$HERE`.

mod behind;
mod devices;
mod network;
mod races;
mod rights;

use std::ffi::CString;
use std::io;
use std::path::Path;

/// What has to come of an attempt, besides that nothing gets out and nothing stays.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    /// The system says no.
    Refused,
    /// It does no harm, and has to be possible.
    Works,
    /// Either.
    Anything,
}

/// A program that tries something.
pub(super) struct Attempt {
    pub(super) subject: &'static str,
    pub(super) name: &'static str,
    pub(super) expected: Expected,
    pub(super) act: fn() -> io::Result<()>,
}

const fn refused(subject: &'static str, name: &'static str, act: fn() -> io::Result<()>) -> Attempt {
    Attempt { subject, name, expected: Expected::Refused, act }
}

const fn works(subject: &'static str, name: &'static str, act: fn() -> io::Result<()>) -> Attempt {
    Attempt { subject, name, expected: Expected::Works, act }
}

const fn anything(subject: &'static str, name: &'static str, act: fn() -> io::Result<()>) -> Attempt {
    Attempt { subject, name, expected: Expected::Anything, act }
}

/// All of them. A line of the table each.
pub(super) const ALL: &[Attempt] = &[
    refused("rights", "keep-capabilities", rights::keep_capabilities),
    refused("rights", "device-of-characters", rights::device_of_characters),
    refused("rights", "device-of-blocks", rights::device_of_blocks),
    refused("rights", "host-name", rights::host_name),
    refused("rights", "network-interface", rights::network_interface),
    refused("rights", "root-directory", rights::root_directory),
    refused("rights", "mount", rights::mount),
    refused("rights", "mount-in-own-namespace", rights::mount_in_own_namespace),
    refused("rights", "other-user", rights::other_user),
    refused("rights", "immutable-file", rights::immutable_file),
    refused("rights", "kernel-module", rights::kernel_module),
    refused("rights", "variables-of-parents", rights::variables_of_parents),
    refused("rights", "memory-of-parents", rights::memory_of_parents),
    refused("rights", "descriptors-of-parents", rights::descriptors_of_parents),
    refused("rights", "trace-parents", rights::trace_parents),
    refused("rights", "outside-file", rights::outside_file),
    works("rights", "own-files", rights::own_files),
    works("rights", "own-facts", rights::own_facts),
    refused("devices", "write-to-terminal", devices::write_to_terminal),
    refused("devices", "request-to-terminal", devices::request_to_terminal),
    refused("devices", "capture-terminal", devices::capture_terminal),
    refused("devices", "controlling-terminal", devices::controlling_terminal),
    refused("devices", "foreign-devices", devices::foreign_devices),
    refused("devices", "inherited-descriptors", devices::inherited_descriptors),
    works("devices", "own-terminal", devices::own_terminal),
    works("devices", "usual-devices", devices::usual_devices),
    anything("behind", "shared-memory-file", behind::shared_memory_file),
    anything("behind", "renamed-shared-memory-file", behind::renamed_shared_memory_file),
    works("behind", "shared-memory", behind::shared_memory),
    works("behind", "semaphores", behind::semaphores),
    works("behind", "messages", behind::messages),
    refused("behind", "message-queue", behind::message_queue),
    refused("behind", "foreign-shared-memory-file", behind::foreign_shared_memory_file),
    refused("behind", "foreign-shared-memory", behind::foreign_shared_memory),
    anything("behind", "process", behind::process),
    refused("races", "mode-by-name", races::mode_by_name),
    refused("races", "times-by-name", races::times_by_name),
    refused("races", "owner-by-name", races::owner_by_name),
    refused("races", "attribute-by-name", races::attribute_by_name),
    refused("races", "mode-by-descriptor", races::mode_by_descriptor),
    refused("races", "hidden-name", races::hidden_name),
    refused("races", "datagrams-to-another-address", races::datagrams_to_another_address),
    refused("network", "send-without-family", network::send_without_family),
    refused("network", "bind-without-family", network::bind_without_family),
    refused("network", "sockets-of-every-device", network::sockets_of_every_device),
    works("network", "this-machine", network::this_machine),
];

fn text(path: &Path) -> CString {
    CString::new(path.as_os_str().as_encoded_bytes()).expect("no NUL")
}
