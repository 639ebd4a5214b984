//! Reaching out.

use std::net::{TcpListener, UdpSocket};

use hookproof_harness::{AttemptKind, Ending, HookCommand, Network, Sandbox};
use libtest_mimic::{Failed, Trial};

use crate::ensure;
use crate::scene::{Scene, each, has, me, refused, said};
use crate::{bare, scene};

/// An address for documentation (RFC 5737), at which nobody is.
const FAR: &str = "203.0.113.1:9";
const FAR_6: &str = "[2001:db8::1]:9";

/// What a program does, with which address, the kind of attempt, and the answer.
const REFUSED: &[(&str, &str, AttemptKind, i32)] = &[
    ("connect", FAR, AttemptKind::Connect, libc::ENETUNREACH),
    ("connect", FAR_6, AttemptKind::Connect, libc::ENETUNREACH),
    ("connect", "[::ffff:203.0.113.1]:9", AttemptKind::Connect, libc::ENETUNREACH),
    ("connect-udp", "203.0.113.1:53", AttemptKind::Connect, libc::ENETUNREACH),
    ("connect-udp", "127.0.0.53:53", AttemptKind::Connect, libc::ENETUNREACH),
    ("send", FAR_6, AttemptKind::Send, libc::ENETUNREACH),
    ("message", FAR, AttemptKind::Send, libc::ENETUNREACH),
    ("messages", FAR, AttemptKind::Send, libc::ENETUNREACH),
    ("listen", "0.0.0.0:47111", AttemptKind::Bind, libc::EACCES),
];

/// Listening where others can connect: the address that the report names.
const EXPOSED: &[(&str, &[&str], &str)] = &[
    ("listen-without-bind", &[], "0.0.0.0:0"),
    ("listen", &["0.0.0.0:0"], "0.0.0.0:"),
    ("listen", &["[::]:0"], "[::]:"),
];

pub(crate) fn add(trials: &mut Vec<Trial>) {
    for (what, address, kind, answer) in REFUSED {
        for (prefix, choice) in scene::MECHANISMS {
            let test = move || {
                let scene = Scene::new(choice)?;
                let (observation, report) = scene.run(me(what).arg(*address), scene.sandbox())?;
                ensure(observation.ending == Ending::Exited { code: *answer }, || said(&observation))?;
                ensure(refused(&report, *kind) == [*address], || format!("{:?}", report.attempts))?;
                ensure(report.attempts.len() == 1, || format!("{:?}", report.attempts))
            };
            trials.push(Trial::test(format!("{prefix}::refused_{what}_{address}"), test));
        }
    }
    each(trials, "sockets_for_everybody", sockets_for_everybody);
    each(trials, "connections_arrive", connections_arrive);
    each(trials, "this_machine_answers", this_machine_answers);
    each(trials, "messages_on_this_machine_arrive", messages_on_this_machine_arrive);
    each(trials, "packets_and_rings", packets_and_rings);
    each(trials, "no_sockets_by_32_bit_calls", no_sockets_by_32_bit_calls);
    each(trials, "python", python);
    each(trials, "an_open_network_is_not_looked_at", an_open_network_is_not_looked_at);
}

fn sockets_for_everybody(scene: &Scene) -> Result<(), Failed> {
    for (what, arguments, address) in EXPOSED {
        let command = arguments.iter().fold(me(what), |command, argument| command.arg(*argument));
        let (observation, report) = scene.run(command, scene.sandbox())?;
        ensure(observation.ending == Ending::Exited { code: libc::EACCES }, || {
            format!("{what}: {}", said(&observation))
        })?;
        let found = refused(&report, AttemptKind::Bind);
        ensure(found.len() == 1 && found[0].starts_with(address), || format!("{:?}", report.attempts))?;
    }
    Ok(())
}

/// Who listens for this machine alone gets connections, also on a socket in a directory.
fn connections_arrive(scene: &Scene) -> Result<(), Failed> {
    if !has("python3") {
        return Ok(());
    }
    let script = "import socket, sys, threading\n\
        for family, name in (socket.AF_INET, ('127.0.0.1', 0)), (socket.AF_UNIX, sys.argv[1]):\n\
        \x20   server = socket.socket(family); server.bind(name)\n\
        \x20   one = threading.Thread(target=server.listen, args=(1,)); one.start(); one.join()\n\
        \x20   client = socket.socket(family); client.connect(server.getsockname()); client.sendall(b'x')\n\
        \x20   assert server.accept()[0].recv(1) == b'x'\n";
    let command = HookCommand::new("python3").arg("-c").arg(script).arg(scene.inside().join("socket"));
    let (observation, report) = scene.run(command, scene.sandbox())?;
    ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
    ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))
}

fn this_machine_answers(scene: &Scene) -> Result<(), Failed> {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let address = server.local_addr()?.to_string();
    let (observation, report) = scene.run(me("connect").arg(address), scene.sandbox())?;
    ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
    ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))?;
    let (observation, report) = scene.run(me("listen").arg("127.0.0.1:0"), scene.sandbox())?;
    ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
    ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))
}

fn messages_on_this_machine_arrive(scene: &Scene) -> Result<(), Failed> {
    let server = UdpSocket::bind("127.0.0.1:0")?;
    server.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
    for what in ["message", "messages"] {
        let (observation, report) = scene.run(me(what).arg(server.local_addr()?.to_string()), scene.sandbox())?;
        ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
        ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))?;
        server.recv(&mut [0; 8])?;
    }
    Ok(())
}

fn packets_and_rings(scene: &Scene) -> Result<(), Failed> {
    let (observation, report) = scene.run(me("packet-socket"), scene.sandbox())?;
    ensure(observation.ending == Ending::Exited { code: libc::EAFNOSUPPORT }, || said(&observation))?;
    ensure(refused(&report, AttemptKind::Connect) == ["a socket of family 17"], || format!("{:?}", report.attempts))?;
    let (observation, _) = scene.run(me("ring"), scene.sandbox())?;
    ensure(observation.ending == Ending::Exited { code: libc::ENOSYS }, || said(&observation))
}

fn no_sockets_by_32_bit_calls(scene: &Scene) -> Result<(), Failed> {
    let Some(program) = bare::socket_by_32_bit_call() else {
        return Ok(());
    };
    let command = bare::command(&scene.inside(), &program)?;
    let (observation, report) = scene.run(command, scene.sandbox())?;
    // A kernel without such calls ends the program by a signal.
    if !matches!(observation.ending, Ending::Signaled { .. }) {
        ensure(observation.ending == Ending::Exited { code: libc::ENOSYS }, || said(&observation))?;
        let expected = ["a program for another architecture (32-bit)"];
        ensure(refused(&report, AttemptKind::System) == expected, || format!("{:?}", report.attempts))?;
    }
    Ok(())
}

fn python(scene: &Scene) -> Result<(), Failed> {
    if !has("python3") {
        return Ok(());
    }
    let script = "import socket, urllib.request\n\
                  try: urllib.request.urlopen('http://203.0.113.1/x', timeout=5)\n\
                  except OSError as e: print(e)\n\
                  try: socket.getaddrinfo('hookproof.invalid', 80)\n\
                  except OSError as e: print(e)\n";
    let command = HookCommand::new("python3").arg("-c").arg(script);
    let (observation, report) = scene.run(command, scene.sandbox())?;
    let said = said(&observation);
    ensure(said.contains("unreachable"), || said.clone())?;
    let targets = refused(&report, AttemptKind::Connect);
    // Whether a name server is asked depends on the machine.
    ensure(targets[0] == "203.0.113.1:80" && targets[1..].iter().all(|t| t.ends_with(":53")), || format!("{targets:?}"))
}

fn an_open_network_is_not_looked_at(scene: &Scene) -> Result<(), Failed> {
    let sandbox = Sandbox::open().writable(scene.inside()).strict();
    let (_, report) = scene.run(me("connect-udp").arg("127.0.0.1:53"), sandbox.clone())?;
    ensure(report.attempts.is_empty(), || format!("{:?}", report.attempts))?;
    let (observation, _) = scene.run(me("listen").arg("0.0.0.0:0"), sandbox.network(Network::Open))?;
    ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))
}
