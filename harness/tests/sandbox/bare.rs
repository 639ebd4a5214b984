//! Programs without any library: a header, some machine code, and the path that it is about.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hookproof_harness::HookCommand;

/// Where the file is put in memory: low enough for pointers of 32 bits.
const BASE: u64 = 0x0040_0000;
const HEADERS: u64 = 64 + 56;

/// A program that opens a path for writing, making it, and ends with the error number.
pub(crate) fn opening(path: &Path) -> Option<Vec<u8>> {
    // mov edi, PATH; mov esi, O_WRONLY|O_CREAT; mov edx, 0644; mov eax, 2 (open); syscall; neg eax; jns +2; xor eax, eax;
    // mov edi, eax; mov eax, 60 (exit); syscall
    assemble(path, |at| {
        let mut code = vec![0xBF];
        code.extend(at);
        code.extend([0xBE, 0x41, 0, 0, 0, 0xBA, 0xA4, 1, 0, 0, 0xB8, 2, 0, 0, 0, 0x0F, 0x05]);
        code.extend([0xF7, 0xD8, 0x79, 0x02, 0x31, 0xC0, 0x89, 0xC7, 0xB8, 60, 0, 0, 0, 0x0F, 0x05]);
        code
    })
}

/// The same by the way of 32-bit programs.
pub(crate) fn opening_by_32_bit_call(path: &Path) -> Option<Vec<u8>> {
    // mov ebx, PATH; mov ecx, O_WRONLY|O_CREAT; mov edx, 0644; mov eax, 5 (open); int 0x80; ... mov ebx, eax;
    // mov eax, 1 (exit); int 0x80
    assemble(path, |at| {
        let mut code = vec![0xBB];
        code.extend(at);
        code.extend([0xB9, 0x41, 0, 0, 0, 0xBA, 0xA4, 1, 0, 0, 0xB8, 5, 0, 0, 0, 0xCD, 0x80]);
        code.extend([0xF7, 0xD8, 0x79, 0x02, 0x31, 0xC0, 0x89, 0xC3, 0xB8, 1, 0, 0, 0, 0xCD, 0x80]);
        code
    })
}

/// A program that makes a TCP socket by the way of 32-bit programs, and ends with the error number.
pub(crate) fn socket_by_32_bit_call() -> Option<Vec<u8>> {
    // mov ebx, AF_INET; mov ecx, SOCK_STREAM; xor edx, edx; mov eax, 359 (socket); int 0x80; ... as above
    assemble(Path::new(""), |_| {
        let mut code = vec![0xBB, 2, 0, 0, 0, 0xB9, 1, 0, 0, 0, 0x31, 0xD2, 0xB8, 0x67, 1, 0, 0, 0xCD, 0x80];
        code.extend([0xF7, 0xD8, 0x79, 0x02, 0x31, 0xC0, 0x89, 0xC3, 0xB8, 1, 0, 0, 0, 0xCD, 0x80]);
        code
    })
}

/// Writes a program to a folder and says how to run it.
pub(crate) fn command(folder: &Path, program: &[u8]) -> io::Result<HookCommand> {
    let file = folder.join("bare");
    fs::write(&file, program)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(HookCommand::new(file))
}

/// Puts headers before the code and the path behind it. `None` if the code is for another processor.
fn assemble(path: &Path, code: impl Fn([u8; 4]) -> Vec<u8>) -> Option<Vec<u8>> {
    if !cfg!(target_arch = "x86_64") {
        return None;
    }
    let length = code([0; 4]).len() as u64;
    let code = code(u32::try_from(BASE + HEADERS + length).ok()?.to_le_bytes());
    let mut image = vec![0x7F, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    image.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    let size = HEADERS + length + path.as_os_str().len() as u64 + 1;
    for number in [BASE + HEADERS, 64, 0] {
        image.extend(number.to_le_bytes());
    }
    image.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    // One segment that can be read and executed.
    image.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for number in [0, BASE, BASE, size, size, 0x1000] {
        image.extend(u64::to_le_bytes(number));
    }
    image.extend(code);
    image.extend(path.as_os_str().as_bytes());
    image.push(0);
    Some(image)
}
