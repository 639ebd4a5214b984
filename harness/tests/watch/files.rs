//! Programs that are made here: scripts, and static programs of a few instructions.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder with programs.
pub(crate) struct Programs {
    folder: TempDir,
}

impl Programs {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Programs { folder: tempfile::tempdir()? })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> io::Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, content)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }

    /// A static program that ends with exit code 42, or `None` where nobody has written its instructions.
    pub(crate) fn static_program(&self, name: &str) -> io::Result<Option<PathBuf>> {
        // exit(42)
        let code: &[u8] = match std::env::consts::ARCH {
            "x86_64" => &[0xB8, 60, 0, 0, 0, 0xBF, 42, 0, 0, 0, 0x0F, 0x05],
            "aarch64" => &[0xA8, 0x0B, 0x80, 0xD2, 0x40, 0x05, 0x80, 0xD2, 0x01, 0x00, 0x00, 0xD4],
            _ => return Ok(None),
        };
        let machine = if std::env::consts::ARCH == "x86_64" { 62 } else { 183 };
        self.write(name, &elf_64(machine, code)).map(Some)
    }

    /// A static program from this source in C, or `None` where there is no compiler, or no C library for it.
    pub(crate) fn compiled_statically(&self, name: &str, source: &str) -> io::Result<Option<PathBuf>> {
        let text = self.path(&format!("{name}.c"));
        fs::write(&text, source)?;
        let program = self.path(name);
        let compiled = Command::new("cc").arg("-static").arg("-o").arg(&program).arg(&text).output();
        Ok(compiled.is_ok_and(|output| output.status.success()).then_some(program))
    }

    /// A program of 32 bits that executes `/bin/true x` and ends with the number of the error if that fails.
    pub(crate) fn narrow_program(&self, name: &str) -> io::Result<PathBuf> {
        const AT: u32 = 0x0804_8000 + 52 + 32;
        let code_length: u32 = 30;
        let (path, second) = (AT + code_length, AT + code_length + 10);
        let arguments = second + 2;
        let mut code = vec![0xB8, 11, 0, 0, 0, 0xBB];
        code.extend(path.to_le_bytes());
        code.push(0xB9);
        code.extend(arguments.to_le_bytes());
        // xor edx, edx; int 0x80; mov ebx, eax; neg ebx; mov eax, 1; int 0x80
        code.extend([0x31, 0xD2, 0xCD, 0x80, 0x89, 0xC3, 0xF7, 0xDB, 0xB8, 1, 0, 0, 0, 0xCD, 0x80]);
        assert_eq!(code.len(), code_length as usize);
        code.extend(b"/bin/true\0x\0");
        for word in [path, second, 0] {
            code.extend(word.to_le_bytes());
        }
        self.write(name, &elf_32(&code))
    }
}

fn identification(class: u8) -> Vec<u8> {
    let mut start = vec![0x7F, b'E', b'L', b'F', class, 1, 1];
    start.resize(16, 0);
    start
}

/// One segment that is read and executed, entered at its code.
fn elf_64(machine: u16, code: &[u8]) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    let length = HEADERS + code.len() as u64;
    let mut file = identification(2);
    for half in [2_u16, machine] {
        file.extend(half.to_le_bytes());
    }
    file.extend(1_u32.to_le_bytes());
    for long in [BASE + HEADERS, 64, 0] {
        file.extend(long.to_le_bytes());
    }
    file.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    file.extend(1_u32.to_le_bytes());
    file.extend(5_u32.to_le_bytes());
    for long in [0, BASE, BASE, length, length, 0x1000] {
        file.extend(long.to_le_bytes());
    }
    file.extend(code);
    file
}

fn elf_32(code: &[u8]) -> Vec<u8> {
    const BASE: u32 = 0x0804_8000;
    const HEADERS: u32 = 52 + 32;
    let length = HEADERS + code.len() as u32;
    let mut file = identification(1);
    for half in [2_u16, 3] {
        file.extend(half.to_le_bytes());
    }
    for word in [1, BASE + HEADERS, 52, 0, 0] {
        file.extend(word.to_le_bytes());
    }
    for half in [52_u16, 32, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    for word in [1, 0, BASE, BASE, length, length, 5, 0x1000] {
        file.extend(word.to_le_bytes());
    }
    file.extend(code);
    file
}
