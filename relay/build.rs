//! Packs the built page into the binary: lists the files of `web/dist` (or of `ETHERTAB_PAGE`), compresses what gets
//! smaller, and writes the table that `src/page.rs` includes. A page that was not built yet makes an empty table.

use flate2::{Compression, write::GzEncoder};
use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=ETHERTAB_PAGE");
    println!("cargo::rerun-if-changed=build.rs");
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let output = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let page =
        env::var_os("ETHERTAB_PAGE").map_or_else(|| manifest.join("../web/dist"), PathBuf::from);
    // Cargo takes a path that is not there for changed, always. An empty directory keeps it calm until the page comes.
    if env::var_os("ETHERTAB_PAGE").is_none() && manifest.join("../web").is_dir() {
        fs::create_dir_all(&page)?;
    }
    if page.is_dir() {
        println!("cargo::rerun-if-changed={}", page.display());
    } else {
        println!(
            "cargo::rerun-if-changed={}",
            manifest.join("..").join("Cargo.toml").display()
        );
    }
    let mut files = Vec::new();
    list(&page, &mut files)?;
    files.sort();
    let mut table = String::from("static FILES: &[File] = &[\n");
    for (number, file) in files.iter().enumerate() {
        let bytes = fs::read(file)?;
        let packed = output.join(format!("page-{number}.gz"));
        let gzip = if pack(&bytes, &packed)? {
            format!("Some(include_bytes!({packed:?}))")
        } else {
            "None".to_owned()
        };
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let name = file
            .strip_prefix(&page)
            .unwrap_or(file)
            .to_string_lossy()
            .replace('\\', "/");
        let source = file.canonicalize()?;
        let _ = writeln!(
            table,
            "    File {{ path: {name:?}, bytes: include_bytes!({source:?}), gzip: {gzip}, tag: \"\\\"{:016x}\\\"\" }},",
            hasher.finish()
        );
    }
    table.push_str("];\n");
    fs::write(output.join("page.rs"), table)
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !directory.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Writes the compressed form and says whether it is worth having.
fn pack(bytes: &[u8], to: &Path) -> io::Result<bool> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    let packed = encoder.finish()?;
    let worth = packed.len() < bytes.len() / 10 * 9;
    if worth {
        fs::write(to, packed)?;
    }
    Ok(worth)
}
