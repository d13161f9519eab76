//! Frames that we sent, judged by Wireshark's dissectors.

use ethertab_stack::driver::Tap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// Frames kept of each case: enough to see every kind, and not all of a bulk transfer.
const FRAMES_A_CASE: usize = 5_000;

/// A growing capture file in pcap's classic form.
#[derive(Clone)]
pub(crate) struct Capture {
    file: Arc<Mutex<(BufWriter<File>, usize)>>,
    path: Arc<tempfile::TempPath>,
}

impl Default for Capture {
    fn default() -> Self {
        let (file, path) = tempfile::Builder::new()
            .suffix(".pcap")
            .tempfile()
            .expect("a temporary file")
            .into_parts();
        let mut file = BufWriter::new(file);
        // Magic for microseconds, version 2.4, snap length, link type Ethernet.
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
            file.write_all(&word.to_le_bytes())
                .expect("room on the disk");
        }
        Capture {
            file: Arc::new(Mutex::new((file, 0))),
            path: Arc::new(path),
        }
    }
}

impl Capture {
    /// A tap for one case.
    pub(crate) fn tap(&self) -> Tap {
        let file = Arc::clone(&self.file);
        let mut left = FRAMES_A_CASE;
        Box::new(move |outbound, at, frame| {
            if outbound && left > 0 {
                left -= 1;
                let mut file = file.lock().expect("no writer panicked");
                let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
                let seconds = u32::try_from(at.micros() / 1_000_000).unwrap_or(0);
                let micros = u32::try_from(at.micros() % 1_000_000).unwrap_or(0);
                for word in [seconds, micros, length, length] {
                    file.0
                        .write_all(&word.to_le_bytes())
                        .expect("room on the disk");
                }
                file.0.write_all(frame).expect("room on the disk");
                file.1 += 1;
            }
        })
    }

    /// What tshark finds wrong with any of the frames: malformed packets, wrong checksums, protocol errors.
    pub(crate) fn judge(&self) -> Result<usize, Box<dyn std::error::Error>> {
        let frames = {
            let mut file = self
                .file
                .lock()
                .map_err(|_| io::Error::other("a writer panicked"))?;
            file.0.flush()?;
            file.1
        };
        let wrong = self.filter(
            "_ws.malformed || _ws.expert.severity >= 8388608 || ip.checksum.status == 0 || tcp.checksum.status == 0 \
             || udp.checksum.status == 0 || icmp.checksum.status == 0",
        )?;
        if !wrong.is_empty() {
            let shown: Vec<&str> = wrong.lines().take(10).collect();
            return Err(format!(
                "{} frames found wrong:\n{}",
                wrong.lines().count(),
                shown.join("\n")
            )
            .into());
        }
        Ok(frames)
    }

    /// One line for each frame that matches a display filter.
    pub(crate) fn filter(&self, filter: &str) -> Result<String, Box<dyn std::error::Error>> {
        self.file
            .lock()
            .map_err(|_| io::Error::other("a writer panicked"))?
            .0
            .flush()?;
        let output = Command::new("tshark")
            .args([
                "-n",
                "-o",
                "ip.check_checksum:TRUE",
                "-o",
                "tcp.check_checksum:TRUE",
            ])
            .args(["-o", "udp.check_checksum:TRUE", "-Y", filter, "-r"])
            .arg(&**self.path)
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}
