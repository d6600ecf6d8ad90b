//! The driver steers a kernel that is made up, and leaves it as it should be left.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::*;
use crate::backend::{Backend as _, Measure, Request};
use crate::clock::system::kernel::{Change, Rate, State, StatusBits};
use crate::config::engine::Algorithm;
use crate::model::clock_loop::Steers;
use crate::net::discipline::{self, Refused};
use crate::net::network::Network;
use crate::units::Ppm;

/// A kernel's clock in memory. The true one is only read by what is tested here.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Vec<Change>>>);

impl Fake {
    fn changes(&self) -> Vec<Change> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rate(&self) -> Rate {
        let rate = |change: &Change| match change {
            Change::Rate(rate) => Some(*rate),
            _ => None,
        };
        self.changes().iter().rev().find_map(rate).unwrap_or_else(at_first)
    }
}

impl Kernel for Fake {
    fn read(&mut self) -> Result<State, i32> {
        let told = |change: &Change| match change {
            Change::Status(told) => Some(told.status),
            Change::Quiet => Some(StatusBits::UNSYNCHRONISED),
            _ => None,
        };
        let status = self.changes().iter().rev().find_map(told);
        Ok(State { rate: self.rate(), status: status.unwrap_or_default() })
    }

    fn write(&mut self, change: Change) -> Result<State, i32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(change);
        self.read()
    }
}

/// The rate before anybody steers.
fn at_first() -> Rate {
    Rate::from_ppm(Ppm::new(3.0).unwrap())
}

/// A server that is 50 ms ahead, until it is dropped.
struct Ahead {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl Ahead {
    fn start() -> Self {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let address = server.local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        std::thread::spawn(move || {
            let mut request = [0; 128];
            while !over.load(Ordering::SeqCst) {
                let Ok((48, from)) = server.recv_from(&mut request) else { continue };
                let reply = reply(&request, NtpDuration::from_milliseconds(50.0));
                server.send_to(&reply, from).unwrap();
            }
        });
        Self { address, is_over }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
    }
}

/// A lock of this test's own.
fn lock() -> (Permit, PathBuf) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "ntpscope-steering-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::SeqCst)
    );
    let path = std::env::temp_dir().join(name);
    (discipline::lock(&path).unwrap(), path)
}

/// Steers `kernel` until it slews.
async fn slewing(kernel: &Fake, server: &Ahead, permit: Permit) -> Running {
    let mut setup = observing(&[server.address.to_string()]);
    setup.engine = EngineSetup { discipline: true, algorithm: Algorithm::Ntp, ..setup.engine };
    let guard = Guard::start(kernel.clone()).unwrap();
    let running = steer(setup, permit, guard, kernel.clone()).unwrap();
    let slewed = async {
        // The loop corrects a part of what is left each second.
        while kernel.rate().ppm() <= at_first().ppm() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let patience = Duration::from_secs(120);
    assert!(tokio::time::timeout(patience, slewed).await.is_ok(), "{:?}", kernel.changes());
    running
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn an_end_leaves_the_clock_at_its_base_frequency_and_the_lock_to_others() {
    let (kernel, server, (permit, path)) = (Fake::default(), Ahead::start(), lock());
    let runtime = runtime();
    let running = runtime.block_on(slewing(&kernel, &server, permit));
    assert!(matches!(discipline::lock(&path), Err(Refused::Locked { .. })));
    assert_eq!(kernel.changes().first(), Some(&Change::Quiet), "it was taken over first");
    drop(running);
    runtime.shutdown_background();
    assert_eq!(kernel.rate(), at_first(), "{:?}", kernel.changes());
    drop(discipline::lock(&path).unwrap());
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_panic_leaves_the_clock_at_its_base_frequency() {
    let (kernel, server, (permit, path)) = (Fake::default(), Ahead::start(), lock());
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let runtime = runtime();
        runtime.block_on(async {
            let _running = slewing(&kernel, &server, permit).await;
            panic!("on purpose")
        })
    }));
    assert!(ended.is_err());
    assert_eq!(kernel.rate(), at_first(), "{:?}", kernel.changes());
    drop(discipline::lock(&path).unwrap());
    std::fs::remove_file(path).unwrap();
}

#[test]
fn without_a_permit_a_virtual_clock_is_steered_whatever_is_asked() {
    let server = Ahead::start();
    let engine = EngineSetup {
        discipline: true,
        drift_file: Some("/nonexistent/drift".into()),
        ..observing(&[server.address.to_string()]).engine
    };
    let steers = runtime().block_on(async {
        let mut network = Network::start(&[], Families::Any, Clock::start()).unwrap();
        network.request(Request::Measure(Measure { setup: Arc::new(engine) }));
        let looked = async {
            loop {
                let update = poll_fn(|context| network.poll_update(context)).await;
                let Update::Daemon { target: TargetId::OWN, daemon } = update else { continue };
                if let Some(clock_loop) = &daemon.clock_loop {
                    return clock_loop.steers;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), looked).await.unwrap()
    });
    assert_eq!(steers, Steers::Virtual);
}
