//! Channels under threads that send, receive, give up, give back, and change capacities, in an order that seeds choose.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use perilune_alloc_adapters::System;

use super::super::memory::{Budget, SharedMemory};
use super::super::wait::{Deadline, Wait};
use super::{Channels, Received, Sent};

const NOBODY_STOPS: &dyn Fn() -> bool = &|| false;

fn wait(deadline: Deadline) -> Wait<'static> {
    Wait { deadline, stopped: NOBODY_STOPS, waits: None }
}

fn new_channels() -> (Channels, Arc<Budget>) {
    let budget = Budget::new(usize::MAX);
    (Channels::new(Arc::new(SharedMemory::new(budget.wrap(System)))), budget)
}

fn try_send(channels: &Channels, name: &[u8], bytes: &[u8]) -> bool {
    channels.send(name, bytes, false, &wait(Deadline::Now)).expect("memory") == Sent::Done
}

/// What a receive that does not wait gets.
fn try_receive(channels: &Channels, name: &[u8]) -> Option<Vec<u8>> {
    match channels.receive(name, &wait(Deadline::Now)).expect("memory") {
        Received::Message(claim) => {
            let bytes = claim.bytes().to_vec();
            claim.take();
            Some(bytes)
        }
        _ => None,
    }
}

#[test]
fn a_try_needs_somebody_or_room() {
    let (channels, budget) = new_channels();
    assert!(!try_send(&channels, b"a", b"lost"));
    assert_eq!(try_receive(&channels, b"a"), None);
    assert_eq!(budget.used(), 0, "a try leaves nothing behind");
    channels.configure(b"a", 2, usize::MAX).expect("memory");
    assert!(try_send(&channels, b"a", b"1"));
    assert!(try_send(&channels, b"a", b""));
    assert!(!try_send(&channels, b"a", b"3"));
    assert_eq!(try_receive(&channels, b"a").as_deref(), Some(&b"1"[..]));
    assert!(try_send(&channels, b"a", b"3"));
    assert_eq!(try_receive(&channels, b"a").as_deref(), Some(&b""[..]));
    assert_eq!(try_receive(&channels, b"a").as_deref(), Some(&b"3"[..]));
    assert_eq!(try_receive(&channels, b"a"), None);
    channels.configure(b"a", 0, usize::MAX).expect("memory");
    assert_eq!(budget.used(), 0, "a channel without capacity and messages is forgotten");
}

#[test]
fn capacity_in_bytes_holds_back_what_is_too_much() {
    let (channels, budget) = new_channels();
    channels.configure(b"a", 100, 10).expect("memory");
    assert!(try_send(&channels, b"a", b"123456"));
    assert!(!try_send(&channels, b"a", b"12345"));
    assert!(try_send(&channels, b"a", b"1234"));
    assert!(try_send(&channels, b"a", b""));
    assert!(!try_send(&channels, b"a", b"1"));
    // Less capacity drops nothing.
    channels.configure(b"a", 0, 0).expect("memory");
    for expected in [&b"123456"[..], b"1234", b""] {
        assert_eq!(try_receive(&channels, b"a").as_deref(), Some(expected));
    }
    assert_eq!(budget.used(), 0);
}

#[test]
fn what_lies_in_channels_is_freed_with_them() {
    let (channels, budget) = new_channels();
    for n in 0..1000_u32 {
        let name = n.to_string();
        channels.configure(name.as_bytes(), 3, usize::MAX).expect("memory");
        assert!(try_send(&channels, name.as_bytes(), &[7; 100]));
        assert!(try_send(&channels, name.as_bytes(), &[]));
    }
    assert!(budget.used() > 100_000);
    drop(channels);
    assert_eq!(budget.used(), 0);
}

#[test]
fn without_memory_nothing_is_held() {
    let budget = Budget::new(2000);
    let channels = Channels::new(Arc::new(SharedMemory::new(budget.wrap(System))));
    channels.configure(b"a", 10, usize::MAX).expect("memory");
    let large = channels.send(b"a", &[1; 5000], true, &wait(Deadline::Never));
    assert!(large.is_err(), "there is no memory for a block");
    assert!(!try_send(&channels, b"a", &[1; 5000]), "so it can be handed over alone");
    assert!(try_send(&channels, b"a", &[2; 500]));
    assert!(channels.configure(&[b'n'; 5000], 1, 1).is_err());
    assert!(channels.send(&[b'n'; 5000], b"", false, &wait(Deadline::Never)).is_err());
    assert!(channels.receive(&[b'n'; 5000], &wait(Deadline::Never)).is_err());
    // Somebody who waits gets the large message from the sender's own memory.
    thread::scope(|scope| {
        let sender = scope.spawn(|| channels.send(b"a", &[3; 5000], false, &wait(Deadline::Never)).expect("memory"));
        let mut sizes = Vec::new();
        while sizes.len() < 2 {
            match channels.receive(b"a", &wait(Deadline::Never)).expect("memory") {
                Received::Message(claim) => {
                    sizes.push(claim.bytes().len());
                    claim.take();
                }
                _ => panic!("nobody stops"),
            }
        }
        assert_eq!(sizes, [500, 5000]);
        assert!(sender.join().expect("no panic") == Sent::Done);
    });
    channels.configure(b"a", 0, usize::MAX).expect("memory");
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_claim_holds_up_no_other_channel() {
    let (channels, _) = new_channels();
    channels.configure(b"held", 1, usize::MAX).expect("memory");
    assert!(try_send(&channels, b"held", b"message"));
    let Ok(Received::Message(claim)) = channels.receive(b"held", &wait(Deadline::Now)) else {
        panic!("there is a message");
    };
    // So many names are in every shard, also in that of the held one.
    for n in 0..5000_u32 {
        let name = n.to_string();
        channels.configure(name.as_bytes(), 1, usize::MAX).expect("memory");
        assert!(try_send(&channels, name.as_bytes(), b"x"));
        assert_eq!(try_receive(&channels, name.as_bytes()).as_deref(), Some(&b"x"[..]));
    }
    // The channel itself goes on, too.
    assert_eq!(try_receive(&channels, b"held"), None);
    assert!(try_send(&channels, b"held", b"next"));
    drop(claim);
    assert_eq!(try_receive(&channels, b"held").as_deref(), Some(&b"message"[..]), "it is back in its place");
    assert_eq!(try_receive(&channels, b"held").as_deref(), Some(&b"next"[..]));
}

#[test]
fn who_comes_first_is_served_first() {
    let (channels, budget) = new_channels();
    let channels = &channels;
    // Senders that wait for receivers.
    thread::scope(|scope| {
        for n in 0..20_u8 {
            scope.spawn(move || channels.send(b"a", &[n], false, &wait(Deadline::Never)).expect("memory"));
            // A sender is in the list as soon as its message has its number.
            wait_for_arrivals(channels, b"a", u64::from(n) + 1);
        }
        for n in 0..20 {
            assert_eq!(try_receive(channels, b"a"), Some(vec![n]));
        }
    });
    // Receivers that wait for senders.
    thread::scope(|scope| {
        let mut receivers = Vec::new();
        for n in 0..20 {
            receivers.push(scope.spawn(move || match channels.receive(b"b", &wait(Deadline::Never)) {
                Ok(Received::Message(claim)) => {
                    let bytes = claim.bytes().to_vec();
                    claim.take();
                    bytes
                }
                _ => Vec::new(),
            }));
            while channels.find(b"b").is_none_or(|(channel, locked)| {
                let waiting = locked.receivers_waiting();
                channel.end(locked, []);
                waiting <= n
            }) {
                thread::yield_now();
            }
        }
        for n in 0..20 {
            assert!(try_send(channels, b"b", &[n]));
        }
        for (n, receiver) in receivers.into_iter().enumerate() {
            assert_eq!(receiver.join().expect("no panic"), [n as u8]);
        }
    });
    assert_eq!(budget.used(), 0);
}

/// Waits until so many messages have come to a channel, for which senders wait.
fn wait_for_arrivals(channels: &Channels, name: &[u8], count: u64) {
    while channels.find(name).is_none_or(|(channel, locked)| {
        let arrived = locked.arrived();
        channel.end(locked, []);
        arrived < count
    }) {
        thread::yield_now();
    }
}

#[test]
fn who_gives_up_makes_room_for_the_next_one() {
    let (channels, budget) = new_channels();
    let channels = &channels;
    channels.configure(b"a", 100, 10).expect("memory");
    assert!(try_send(channels, b"a", b"123456"));
    thread::scope(|scope| {
        // This one is too large, and the next one, which would have room, came later.
        let short = Deadline::after(Duration::from_millis(200));
        let first = scope.spawn(move || channels.send(b"a", b"12345678", false, &wait(short)).expect("memory"));
        wait_for_arrivals(channels, b"a", 2);
        let long = Deadline::after(Duration::from_secs(20));
        let second = scope.spawn(move || channels.send(b"a", b"12", false, &wait(long)).expect("memory"));
        wait_for_arrivals(channels, b"a", 3);
        assert!(!try_send(channels, b"a", b""), "there are others before");
        assert!(first.join().expect("no panic") == Sent::TimedOut);
        assert!(second.join().expect("no panic") == Sent::Done);
    });
    assert_eq!(try_receive(channels, b"a").as_deref(), Some(&b"123456"[..]));
    assert_eq!(try_receive(channels, b"a").as_deref(), Some(&b"12"[..]));
    channels.configure(b"a", 0, 0).expect("memory");
    assert_eq!(budget.used(), 0);
}

/// Numbers at random, from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Lets other threads go ahead, or not.
    fn dawdle(&mut self) {
        match self.below(16) {
            0 => thread::sleep(Duration::from_micros(self.below(100))),
            1..4 => thread::yield_now(),
            4..6 => (0..self.below(300)).for_each(|_| core::hint::spin_loop()),
            _ => {}
        }
    }

    /// Until when somebody waits who does not wait for ever.
    fn patience(&mut self) -> Deadline {
        match self.below(3) {
            0 => Deadline::Now,
            _ => Deadline::after(Duration::from_micros(self.below(400))),
        }
    }
}

/// The channels that messages go through. The first two have one receiver each, so that the order can be seen.
const NAMES: [&[u8]; 4] = [b"one", b"another", b"shared", b""];
const SENDERS: usize = 4;
/// The receivers of each channel.
const RECEIVERS: [usize; 4] = [1, 1, 2, 2];

/// What all threads of a round share.
struct Round<'a> {
    channels: &'a Channels,
    /// How many messages have been sent and not been received.
    on_the_way: &'a AtomicUsize,
    sending: &'a AtomicUsize,
    over: &'a AtomicBool,
    /// Makes senders and receivers stop waiting now and then.
    stop: &'a AtomicBool,
}

/// The message: who sends it, its number, and bytes that depend on these.
fn message(sender: usize, number: u32) -> Vec<u8> {
    let mut bytes = vec![sender as u8];
    bytes.extend(number.to_le_bytes());
    bytes.resize(5 + (number as usize * 7 + sender) % 90, number as u8);
    bytes
}

/// Sends messages with ascending numbers; returns, for each channel, those that have arrived.
fn sender(round: &Round<'_>, sender: usize, seed: u64, count: u32) -> [Vec<u32>; 4] {
    let mut random = Random(seed);
    let mut sent: [Vec<u32>; 4] = Default::default();
    let stopped = || round.stop.load(Ordering::Relaxed);
    for number in 0..count {
        let channel = random.below(4) as usize;
        let bytes = message(sender, number);
        let for_ever = random.below(4) == 0;
        let deadline = if for_ever { Deadline::Never } else { random.patience() };
        let stopped: &dyn Fn() -> bool = if for_ever { NOBODY_STOPS } else { &stopped };
        round.on_the_way.fetch_add(1, Ordering::Relaxed);
        match round
            .channels
            .send(NAMES[channel], &bytes, number % 2 == 0, &Wait { deadline, stopped, waits: None })
            .expect("memory")
        {
            Sent::Done => sent[channel].push(number),
            Sent::TimedOut | Sent::Stopped => {
                round.on_the_way.fetch_sub(1, Ordering::Relaxed);
            }
        }
        random.dawdle();
    }
    round.sending.fetch_sub(1, Ordering::Relaxed);
    sent
}

/// Receives until all is over; returns the messages in their order.
fn receiver(round: &Round<'_>, channel: usize, seed: u64) -> Vec<(usize, u32)> {
    let mut random = Random(seed);
    let mut received = Vec::new();
    let stopped = || round.stop.load(Ordering::Relaxed);
    while !round.over.load(Ordering::Relaxed) {
        let wait = Wait { deadline: random.patience(), stopped: &stopped, waits: None };
        if let Received::Message(claim) = round.channels.receive(NAMES[channel], &wait).expect("memory") {
            random.dawdle();
            if random.below(8) == 0 {
                continue; // The message goes back.
            }
            let bytes = claim.bytes();
            let number = u32::from_le_bytes(bytes[1..5].try_into().expect("four bytes"));
            assert_eq!(bytes, message(bytes[0].into(), number), "a message arrives as it was sent");
            received.push((bytes[0].into(), number));
            claim.take();
            round.on_the_way.fetch_sub(1, Ordering::Relaxed);
        }
        random.dawdle();
    }
    received
}

/// Changes capacities, and stops waits, until all messages were received.
fn disturb(round: &Round<'_>, seed: u64) {
    let mut random = Random(seed);
    while round.sending.load(Ordering::Relaxed) > 0 || round.on_the_way.load(Ordering::Relaxed) > 0 {
        let (channel, capacity) = (random.below(4) as usize, random.below(4) as usize);
        let bytes = if random.below(3) == 0 { random.below(200) as usize } else { usize::MAX };
        round.channels.configure(NAMES[channel], capacity, bytes).expect("memory");
        round.stop.store(random.below(4) == 0, Ordering::Relaxed);
        random.dawdle();
        thread::sleep(Duration::from_micros(random.below(200)));
    }
    round.over.store(true, Ordering::Relaxed);
}

fn run_round(seed: u64, count: u32) {
    let (channels, budget) = new_channels();
    let round = &Round {
        channels: &channels,
        on_the_way: &AtomicUsize::new(0),
        sending: &AtomicUsize::new(SENDERS),
        over: &AtomicBool::new(false),
        stop: &AtomicBool::new(false),
    };
    let mut seeds = Random(seed);
    thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|n| {
                let seed = seeds.next();
                scope.spawn(move || sender(round, n, seed, count))
            })
            .collect();
        let mut receivers = Vec::new();
        for (channel, &number) in RECEIVERS.iter().enumerate() {
            for _ in 0..number {
                let seed = seeds.next();
                receivers.push((channel, scope.spawn(move || receiver(round, channel, seed))));
            }
        }
        disturb(round, seeds.next());
        let sent: Vec<_> = senders.into_iter().map(|sender| sender.join().expect("no panic")).collect();
        let mut received: [Vec<(usize, u32)>; 4] = Default::default();
        for (channel, receiver) in receivers {
            received[channel].extend(receiver.join().expect("no panic"));
        }
        for channel in 0..NAMES.len() {
            for (sender, sent) in sent.iter().enumerate() {
                let of_sender = received[channel].iter().filter(|&&(from, _)| from == sender);
                let mut numbers: Vec<_> = of_sender.map(|&(_, number)| number).collect();
                if RECEIVERS[channel] > 1 {
                    numbers.sort_unstable();
                }
                assert_eq!(numbers, sent[channel], "seed {seed}, channel {channel}, sender {sender}");
            }
        }
    });
    for name in NAMES {
        channels.configure(name, 0, usize::MAX).expect("memory");
    }
    assert_eq!(budget.used(), 0, "seed {seed}");
}

#[test]
fn nothing_is_lost_or_doubled_or_overtaken() {
    let (rounds, count) = if cfg!(debug_assertions) { (6, 1500) } else { (20, 5000) };
    for seed in 0..rounds {
        run_round(seed, count);
    }
}
