//! The binary on a pseudo-terminal: what a person types, and what the screen gets.
#![cfg(target_os = "linux")]

use super::command;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longest time that is waited for what must come.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program that reads from a terminal and writes to it.
pub struct Terminal {
    keys: File,
    /// The other end, as the program has it.
    screen: File,
    pub child: Child,
    arriving: Receiver<Vec<u8>>,
    /// What arrived, and how much of it was looked at.
    seen: Vec<u8>,
    looked_at: usize,
}

impl Terminal {
    /// Starts the binary on a terminal of so many columns.
    pub fn start(columns: u16, arguments: &[&str]) -> Terminal {
        Terminal::start_as("xterm", columns, arguments)
    }

    /// The same on a terminal of another name.
    pub fn start_as(name: &str, columns: u16, arguments: &[&str]) -> Terminal {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let path = ptsname(&controller, Vec::new()).unwrap();
        let screen = OpenOptions::new().read(true).write(true).open(path.to_str().unwrap()).unwrap();
        tcsetwinsize(&screen, Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let end = || Stdio::from(screen.try_clone().unwrap());
        let mut command = command(arguments);
        command.env("TERM", name).env_remove("NO_COLOR").stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().unwrap();
        let keys = File::from(controller);
        let mut reading = keys.try_clone().unwrap();
        let (sender, arriving) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reading.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal { keys, screen, child, arriving, seen: Vec::new(), looked_at: 0 }
    }

    /// Types this.
    pub fn send(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for a text on the screen, and returns what came up to it since the last one.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            let new = String::from_utf8_lossy(&self.seen[self.looked_at..]).into_owned();
            if let Some(at) = new.find(text) {
                self.looked_at += at + text.len();
                return new[..at].to_owned();
            }
            match self.arriving.recv_timeout(PATIENCE) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(error) => panic!("{text:?} did not come ({error}); what came:\n{new}"),
            }
        }
    }

    /// The modes of the terminal.
    pub fn modes(&self) -> Termios {
        tcgetattr(&self.screen).unwrap()
    }

    /// Waits for the end of the program, and returns its exit code and what came since the last text.
    pub fn end(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        drop((self.keys, self.screen));
        while let Ok(bytes) = self.arriving.recv_timeout(PATIENCE) {
            self.seen.extend(bytes);
        }
        (status.code(), String::from_utf8_lossy(&self.seen[self.looked_at..]).into_owned())
    }
}
