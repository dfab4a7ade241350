use super::*;

fn policy(list: &str) -> Policy {
    Policy { allow: parse_allow_list(list).unwrap(), allow_http: false }
}

fn refused(text: &str, policy: &Policy) -> TargetError {
    match parse_target(text, policy) {
        Err(error) => error,
        Ok(target) => panic!("{text} was accepted as {}", target.url()),
    }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn addresses_of_special_use_are_not_public() {
    for ip in "0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255 \
               169.254.0.0 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255 192.0.2.1 192.88.99.1 \
               192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 \
               239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.1.2.3 \
               ::ffff:169.254.169.254 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b:1::8.8.8.8 100::1 fc00::1 fd00::1 \
               fe80::1 fec0::1 ff02::1 2001::1 2001:0:53aa:64c::1 2001:20::1 2001:1ff::1 2001:db8::1 2002:7f00:1::1 \
               2002:808:808::1 3fff::1 3fff:fff::1 4000::1 5f00::1 1fff::1"
        .split_whitespace()
    {
        assert!(!is_public(ip.parse().unwrap()), "{ip}");
    }
}

#[test]
fn their_neighbours_are_public() {
    for ip in "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 \
               169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.1 192.88.100.1 \
               192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.1 203.0.112.1 223.255.255.255 8.8.8.8 \
               2000::1 2001:200::1 2001:4860:4860::8888 2001:db7::1 2001:db9::1 2003::1 2606:4700::1111 3ffe::1 \
               3fff:1000::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8"
        .split_whitespace()
    {
        assert!(is_public(ip.parse().unwrap()), "{ip}");
    }
}

#[test]
fn every_way_to_write_a_private_address_is_refused() {
    for host in "127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0X7F.0.0.1 0177.0.0.1 017700000001 0 0.0.0.0 \
                 127.0.0.1. %31%32%37.0.0.1 127。0。0。1 １２７.0.0.1 10.0.0.1 0xa.0.0.1 169.254.169.254 2852039166 [::] [::1] \
                 [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:0a00:0001] [64:ff9b::7f00:1] [fd00::1] \
                 [fe80::1] [2002:7f00:1::] localhost LOCALHOST localhost. a.localhost"
        .split_whitespace()
    {
        for rest in ["", "/", ":8443/x?y=1"] {
            let text = format!("https://{host}{rest}");
            assert_eq!(refused(&text, &Policy::default()), TargetError::RefusedAddress, "{text}");
        }
    }
}

#[test]
fn public_addresses_and_names_are_accepted_and_keep_their_text() {
    for (text, url) in [
        ("https://shop.example", "https://shop.example/"),
        ("HTTPS://Shop.Example/Path?a=b&c=%20", "https://shop.example/Path?a=b&c=%20"),
        ("https://shop.example.:8443/x", "https://shop.example.:8443/x"),
        ("https://münchen.example/ü", "https://xn--mnchen-3ya.example/%C3%BC"),
        ("https://xn--mnchen-3ya.example/", "https://xn--mnchen-3ya.example/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://134744072/", "https://8.8.8.8/"),
        ("https://[2606:4700::1111]:443/", "https://[2606:4700::1111]/"),
        ("https://internal-looking.corp/a@b", "https://internal-looking.corp/a@b"),
    ] {
        let target = parse_target(&format!(" {text}\n"), &Policy::default()).unwrap();
        assert_eq!((target.as_text(), target.url().as_str()), (text, url));
    }
    let target = parse_target("https://shop.example:8443/", &Policy::default()).unwrap();
    assert_eq!((target.host(), target.port(), target.is_plain_http()), ("shop.example", 8443, false));
}

#[test]
fn what_is_wrong_with_an_address_is_said() {
    for (text, expected) in [
        ("  ", TargetError::Empty),
        ("shop.example/webhooks", TargetError::Scheme),
        ("ftp://shop.example/", TargetError::Scheme),
        ("file:///etc/passwd", TargetError::Scheme),
        ("javascript://shop.example/%0aalert(1)", TargetError::Scheme),
        ("https:shop.example", TargetError::Malformed),
        ("mailto:a@shop.example", TargetError::Malformed),
        ("https://", TargetError::Malformed),
        ("https:///shop.example", TargetError::Malformed),
        ("https://?a", TargetError::Malformed),
        ("https://shop.example:99999/", TargetError::Malformed),
        ("https://shop.example:0/", TargetError::Malformed),
        ("https://shop .example/", TargetError::Malformed),
        ("https://shop.exa\nmple/", TargetError::Malformed),
        (r"https://shop.example\@10.0.0.1/", TargetError::Malformed),
        ("https://[::1", TargetError::Malformed),
        ("https://[fe80::1%25eth0]/", TargetError::Malformed),
        ("https://1.2.3.4.5/", TargetError::Malformed),
        ("https://256.1.1.1/", TargetError::Malformed),
        ("https://user:secret@shop.example/", TargetError::UserInfo),
        ("https://@shop.example/", TargetError::UserInfo),
        ("https://shop.example@127.0.0.1/", TargetError::UserInfo),
        ("https://shop.example/#top", TargetError::Fragment),
        ("https://shop.example/#", TargetError::Fragment),
        ("http://shop.example/", TargetError::PlainHttp),
        ("http://127.0.0.1/", TargetError::RefusedAddress),
    ] {
        assert_eq!(refused(text, &Policy::default()), expected, "{text}");
        assert!(expected.to_string().ends_with('.'));
    }
}

#[test]
fn an_address_has_at_most_2048_characters() {
    let of_length = |chars: usize| format!("https://shop.example/{}", "é".repeat(chars - 21));
    assert!(parse_target(&of_length(2_048), &Policy::default()).is_ok());
    assert_eq!(refused(&of_length(2_049), &Policy::default()), TargetError::TooLong);
}

#[test]
fn the_allow_list_lets_private_networks_addresses_and_hosts_through_and_no_others() {
    let policy = policy("10.1.0.0/16, 127.0.0.1:9000,[::1]:9001, LocalHost:9002 ,fd00::/8,192.168.7.7");
    for (host, address) in [
        ("any.example", "10.1.255.255:1"),
        ("10.1.2.3", "10.1.2.3:443"),
        ("any.example", "[::ffff:10.1.2.3]:443"),
        ("localhost", "127.0.0.1:9000"),
        ("[::1]", "[::1]:9001"),
        ("localhost", "127.0.0.1:9002"),
        ("LOCALHOST.", "[::1]:9002"),
        ("x", "[fd12::1]:80"),
        ("x", "192.168.7.7:80"),
        ("x", "8.8.8.8:443"),
    ] {
        assert!(policy.permits(host, addr(address)), "{host} {address}");
    }
    for (host, address) in [
        ("any.example", "10.2.0.0:1"),
        ("localhost", "127.0.0.1:9001"),
        ("localhost", "127.0.0.1:443"),
        ("notlocalhost", "127.0.0.1:9002"),
        ("localhost.evil.example", "127.0.0.1:9002"),
        ("x", "[64:ff9b::a01:203]:443"),
        ("x", "192.168.7.8:80"),
    ] {
        assert!(!policy.permits(host, addr(address)), "{host} {address}");
    }
}

#[test]
fn plain_http_reaches_only_the_allow_list_unless_allowed_everywhere() {
    let listed = policy("10.0.0.0/8, localhost:9000");
    assert!(listed.permits_http("x.example", 80, Some(addr("10.0.0.1:80"))));
    assert!(!listed.permits_http("x.example", 80, Some(addr("8.8.8.8:80"))));
    assert!(listed.permits_http("localhost", 9000, Some(addr("127.0.0.1:9000"))));
    assert!(!listed.permits_http("localhost", 9001, Some(addr("127.0.0.1:9001"))));
    assert!(listed.permits_http("10.0.0.1", 80, None));
    assert!(!listed.permits_http("8.8.8.8", 80, None), "a literal is known without a look-up");
    assert!(listed.permits_http("x.example", 80, None), "a name may yet resolve into the network");

    let host_only = policy("localhost:9000");
    assert!(host_only.permits_http("LOCALHOST", 9000, None));
    assert!(!host_only.permits_http("x.example", 9000, None));

    let everywhere = Policy { allow_http: true, ..Policy::default() };
    assert!(everywhere.permits_http("x.example", 80, Some(addr("8.8.8.8:80"))));
    assert!(!everywhere.permits("x.example", addr("10.0.0.1:80")), "http allowed is not private allowed");
}

#[test]
fn an_allowed_target_is_accepted_when_it_is_written() {
    let policy = policy("localhost:9000, 127.0.0.0/8, [::1]:9001, receiver:80");
    for text in [
        "http://localhost:9000/in",
        "http://LocalHost.:9000/",
        "https://localhost/",
        "http://127.0.0.1:1/",
        "http://2130706433/",
        "http://[::1]:9001/",
        "http://receiver/",
    ] {
        assert!(parse_target(text, &policy).is_ok(), "{text}");
    }
    assert_eq!(refused("http://[::1]:9002/", &policy), TargetError::RefusedAddress);
    assert_eq!(refused("http://8.8.8.8/", &policy), TargetError::PlainHttp);
    let everywhere = Policy { allow_http: true, ..Policy::default() };
    assert!(parse_target("http://shop.example/", &everywhere).is_ok());
    assert_eq!(refused("http://10.0.0.1/", &everywhere), TargetError::RefusedAddress);
}

#[test]
fn an_allow_list_reads_back_as_it_prints() {
    let list = "10.0.0.0/8,fd00::/8,10.1.2.3/32,127.0.0.1:9000,[::1]:9000,localhost:9000";
    let printed: Vec<_> = parse_allow_list(list).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(printed.join(","), list);
    assert_eq!(parse_allow_list(" , ,").unwrap(), []);
    assert_eq!(parse_allow_list("10.9.8.7/8").unwrap(), parse_allow_list("10.0.0.0/8").unwrap());
    assert_eq!(parse_allow_list("::ffff:10.0.0.0/104").unwrap(), parse_allow_list("10.0.0.0/8").unwrap());
    assert_eq!(parse_allow_list("127.1:80").unwrap(), parse_allow_list("127.0.0.1:80").unwrap());
}

#[test]
fn a_wrong_entry_of_the_allow_list_is_named() {
    for bad in [
        "intranet",
        "10.0.0.0/33",
        "host:0",
        "host:99999",
        "host:+1",
        ":80",
        "http://host:80",
        "::1:80/x",
        "a b:1",
    ] {
        let error = parse_allow_list(&format!("10.0.0.0/8,{bad}")).unwrap_err();
        assert!(error.starts_with(&format!("\"{bad}\" is not a network")), "{error}");
    }
}
