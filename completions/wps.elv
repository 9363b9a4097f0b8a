
use builtin;
use str;

set edit:completion:arg-completer[wps] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'wps'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'wps'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand listen 'Print what arrives: messages of the groups given, server messages, lifecycle'
            cand join 'Join groups, report each ack, and exit; --stay holds the membership'
            cand send 'Publish a message to a group'
            cand event 'Send a custom event to the application server'
            cand repl 'Join, send and look by hand, on one connection; also for scripts of such lines'
            cand doctor 'Find out, step by step, why a connection does not work'
            cand emulator 'Run a local Web PubSub service on this machine, for development and tests'
            cand url 'Make client access URLs, and explain them'
            cand config 'Show and check profiles: named sets of flags in a configuration file'
            cand completions 'Print a completion script for a shell'
            cand man 'Write the man pages'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wps;listen'= {
            cand -g 'Group to join, repeatable; without it only server messages and groups of the token arrive'
            cand --group 'Group to join, repeatable; without it only server messages and groups of the token arrive'
            cand --count 'End after N messages, exit 0'
            cand --for 'End after this time, exit 0'
            cand --idle-timeout 'End when no message came for this time, exit 0'
            cand --url 'Client access URL, `ws(s)://HOST/client/hubs/HUB?access_token=…`; `-` reads it from stdin, `@FILE` from a file'
            cand --url-command 'Shell command that prints the URL, or a JSON object with a `url` field, as negotiate endpoints return it'
            cand --connection-string 'Connection string, `Endpoint=…;AccessKey=…;Version=1.0;`; needs --hub; `-` and `@FILE` as for --url'
            cand --local 'The emulator at http://localhost:PORT, with its published development key [default PORT: 8080]'
            cand --profile 'Profile of the configuration file that brings the source and other settings; see `wps config --help`'
            cand --protocol 'Subprotocol to speak'
            cand --connect-timeout 'Limit of each fresh connection attempt: DNS, TCP, proxy, TLS, upgrade and the `connected` frame together'
            cand --proxy 'Proxy on the way, `http://`, `https://` or `socks5h://[USER:PASSWORD@]HOST[:PORT]`, or `none`'
            cand --resolve 'Address to connect to in place of what DNS says for HOST and PORT, repeatable'
            cand --header 'Header for the WebSocket handshake, `NAME: VALUE`, repeatable; `@FILE` has one on each line'
            cand --ca-cert 'PEM file with certificates to trust besides the platform''s roots'
            cand --client-cert 'PEM file with a client certificate, and its chain, for services that ask for one'
            cand --client-key 'PEM file with the private key of --client-cert, not encrypted [default: the same file]'
            cand --hub 'Hub to connect to; required with --connection-string [default with --local: hub1]'
            cand --user 'User id; anonymous when absent'
            cand --role 'Role, repeatable [default: webpubsub.joinLeaveGroup and webpubsub.sendToGroup]'
            cand --initial-group 'Group that the connection is in from its start, repeatable; needs no role'
            cand --ttl 'How long each token is valid; the service looks at it only when connecting [default: 60m]'
            cand --reconnect-retries 'Fresh attempts after a failed one: a number or `unlimited` [default: 3 until once connected; then see --help]'
            cand --reconnect-delay 'Pause before the first fresh attempt [default: 1s]'
            cand --reconnect-max-delay 'Longest pause between fresh attempts [default: 30s, or the delay if that is longer]'
            cand --reconnect-mode 'How the pause grows'
            cand --ping-interval 'Send a ping when nothing was received for this long; 0 turns it off'
            cand --ping-timeout 'Give the connection up when nothing was received for this long; 0 turns it off'
            cand --retries 'Tries after the first, each with the same ackId'
            cand --retry-delay 'Pause before the first retry [default: 800ms]'
            cand --retry-max-delay 'Longest pause between retries [default: 120s, or the delay if that is longer]'
            cand --retry-mode 'How the pause grows'
            cand --ack-timeout 'How long each try waits for its ack; time spent recovering the connection does not count'
            cand -o 'What stdout carries; everything else goes to stderr'
            cand --output 'What stdout carries; everything else goes to stderr'
            cand --only 'Print only these records; with -o ndjson and -o raw'
            cand --color 'When to use colour'
            cand --timeout 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run'
            cand --session 'Keep the connection in FILE, so that the next run with it goes on with the same connection'
            cand --no-system-roots 'Trust only the certificates of --ca-cert, and not the platform''s roots'
            cand --insecure 'Accept any certificate; for tests only, anyone on the way can read and change everything'
            cand --no-reconnect 'The same as --reconnect-retries 0'
            cand --timestamps 'Print the time of arrival before each message; with -o text (ndjson has it always)'
            cand -q 'Print errors only on stderr'
            cand --quiet 'Print errors only on stderr'
            cand -v 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --verbose 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --no-rejoin 'Do not join the groups again on a new connection'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;join'= {
            cand --url 'Client access URL, `ws(s)://HOST/client/hubs/HUB?access_token=…`; `-` reads it from stdin, `@FILE` from a file'
            cand --url-command 'Shell command that prints the URL, or a JSON object with a `url` field, as negotiate endpoints return it'
            cand --connection-string 'Connection string, `Endpoint=…;AccessKey=…;Version=1.0;`; needs --hub; `-` and `@FILE` as for --url'
            cand --local 'The emulator at http://localhost:PORT, with its published development key [default PORT: 8080]'
            cand --profile 'Profile of the configuration file that brings the source and other settings; see `wps config --help`'
            cand --protocol 'Subprotocol to speak'
            cand --connect-timeout 'Limit of each fresh connection attempt: DNS, TCP, proxy, TLS, upgrade and the `connected` frame together'
            cand --proxy 'Proxy on the way, `http://`, `https://` or `socks5h://[USER:PASSWORD@]HOST[:PORT]`, or `none`'
            cand --resolve 'Address to connect to in place of what DNS says for HOST and PORT, repeatable'
            cand --header 'Header for the WebSocket handshake, `NAME: VALUE`, repeatable; `@FILE` has one on each line'
            cand --ca-cert 'PEM file with certificates to trust besides the platform''s roots'
            cand --client-cert 'PEM file with a client certificate, and its chain, for services that ask for one'
            cand --client-key 'PEM file with the private key of --client-cert, not encrypted [default: the same file]'
            cand --hub 'Hub to connect to; required with --connection-string [default with --local: hub1]'
            cand --user 'User id; anonymous when absent'
            cand --role 'Role, repeatable [default: webpubsub.joinLeaveGroup and webpubsub.sendToGroup]'
            cand --initial-group 'Group that the connection is in from its start, repeatable; needs no role'
            cand --ttl 'How long each token is valid; the service looks at it only when connecting [default: 60m]'
            cand --reconnect-retries 'Fresh attempts after a failed one: a number or `unlimited` [default: 3 until once connected; then see --help]'
            cand --reconnect-delay 'Pause before the first fresh attempt [default: 1s]'
            cand --reconnect-max-delay 'Longest pause between fresh attempts [default: 30s, or the delay if that is longer]'
            cand --reconnect-mode 'How the pause grows'
            cand --ping-interval 'Send a ping when nothing was received for this long; 0 turns it off'
            cand --ping-timeout 'Give the connection up when nothing was received for this long; 0 turns it off'
            cand --retries 'Tries after the first, each with the same ackId'
            cand --retry-delay 'Pause before the first retry [default: 800ms]'
            cand --retry-max-delay 'Longest pause between retries [default: 120s, or the delay if that is longer]'
            cand --retry-mode 'How the pause grows'
            cand --ack-timeout 'How long each try waits for its ack; time spent recovering the connection does not count'
            cand -o 'What stdout carries; everything else goes to stderr'
            cand --output 'What stdout carries; everything else goes to stderr'
            cand --only 'Print only these records; with -o ndjson and -o raw'
            cand --color 'When to use colour'
            cand --timeout 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run'
            cand --ack-id 'ackId of the first join, 0 to 18446744073709551615; further groups count up from it [default: 1]'
            cand --session 'Keep the connection in FILE, so that the next run with it goes on with the same connection'
            cand --stay 'Hold the membership until stopped, across reconnects'
            cand --no-system-roots 'Trust only the certificates of --ca-cert, and not the platform''s roots'
            cand --insecure 'Accept any certificate; for tests only, anyone on the way can read and change everything'
            cand --no-reconnect 'The same as --reconnect-retries 0'
            cand --timestamps 'Print the time of arrival before each message; with -o text (ndjson has it always)'
            cand -q 'Print errors only on stderr'
            cand --quiet 'Print errors only on stderr'
            cand -v 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --verbose 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --no-rejoin 'Do not join the groups again on a new connection'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;send'= {
            cand --file 'Send what this file holds, byte for byte'
            cand -t 'What the data is'
            cand --type 'What the data is'
            cand --encoding 'How binary data is written; decoded before it is sent; spaces and line breaks in it are ignored'
            cand --url 'Client access URL, `ws(s)://HOST/client/hubs/HUB?access_token=…`; `-` reads it from stdin, `@FILE` from a file'
            cand --url-command 'Shell command that prints the URL, or a JSON object with a `url` field, as negotiate endpoints return it'
            cand --connection-string 'Connection string, `Endpoint=…;AccessKey=…;Version=1.0;`; needs --hub; `-` and `@FILE` as for --url'
            cand --local 'The emulator at http://localhost:PORT, with its published development key [default PORT: 8080]'
            cand --profile 'Profile of the configuration file that brings the source and other settings; see `wps config --help`'
            cand --protocol 'Subprotocol to speak'
            cand --connect-timeout 'Limit of each fresh connection attempt: DNS, TCP, proxy, TLS, upgrade and the `connected` frame together'
            cand --proxy 'Proxy on the way, `http://`, `https://` or `socks5h://[USER:PASSWORD@]HOST[:PORT]`, or `none`'
            cand --resolve 'Address to connect to in place of what DNS says for HOST and PORT, repeatable'
            cand --header 'Header for the WebSocket handshake, `NAME: VALUE`, repeatable; `@FILE` has one on each line'
            cand --ca-cert 'PEM file with certificates to trust besides the platform''s roots'
            cand --client-cert 'PEM file with a client certificate, and its chain, for services that ask for one'
            cand --client-key 'PEM file with the private key of --client-cert, not encrypted [default: the same file]'
            cand --hub 'Hub to connect to; required with --connection-string [default with --local: hub1]'
            cand --user 'User id; anonymous when absent'
            cand --role 'Role, repeatable [default: webpubsub.joinLeaveGroup and webpubsub.sendToGroup]'
            cand --initial-group 'Group that the connection is in from its start, repeatable; needs no role'
            cand --ttl 'How long each token is valid; the service looks at it only when connecting [default: 60m]'
            cand --reconnect-retries 'Fresh attempts after a failed one: a number or `unlimited` [default: 3 until once connected; then see --help]'
            cand --reconnect-delay 'Pause before the first fresh attempt [default: 1s]'
            cand --reconnect-max-delay 'Longest pause between fresh attempts [default: 30s, or the delay if that is longer]'
            cand --reconnect-mode 'How the pause grows'
            cand --ping-interval 'Send a ping when nothing was received for this long; 0 turns it off'
            cand --ping-timeout 'Give the connection up when nothing was received for this long; 0 turns it off'
            cand --retries 'Tries after the first, each with the same ackId'
            cand --retry-delay 'Pause before the first retry [default: 800ms]'
            cand --retry-max-delay 'Longest pause between retries [default: 120s, or the delay if that is longer]'
            cand --retry-mode 'How the pause grows'
            cand --ack-timeout 'How long each try waits for its ack; time spent recovering the connection does not count'
            cand -o 'What stdout carries; everything else goes to stderr'
            cand --output 'What stdout carries; everything else goes to stderr'
            cand --only 'Print only these records; with -o ndjson and -o raw'
            cand --color 'When to use colour'
            cand --timeout 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run'
            cand --ack-id 'ackId of the message, 0 to 18446744073709551615 [default: 1]'
            cand --on-unknown 'What to do when the connection was lost for good before the ack came'
            cand --session 'Keep the connection in FILE, so that the next run with it goes on with the same connection'
            cand --no-echo 'Do not deliver the message to the connection that sends it'
            cand --no-system-roots 'Trust only the certificates of --ca-cert, and not the platform''s roots'
            cand --insecure 'Accept any certificate; for tests only, anyone on the way can read and change everything'
            cand --no-reconnect 'The same as --reconnect-retries 0'
            cand --timestamps 'Print the time of arrival before each message; with -o text (ndjson has it always)'
            cand -q 'Print errors only on stderr'
            cand --quiet 'Print errors only on stderr'
            cand -v 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --verbose 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --no-ack 'Fire and forget: ask for no ack; a refusal stays unknown'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;event'= {
            cand --wait-reply 'Print N server messages that answer, then exit [default N: 1]'
            cand --file 'Send what this file holds, byte for byte'
            cand -t 'What the data is'
            cand --type 'What the data is'
            cand --encoding 'How binary data is written; decoded before it is sent; spaces and line breaks in it are ignored'
            cand --url 'Client access URL, `ws(s)://HOST/client/hubs/HUB?access_token=…`; `-` reads it from stdin, `@FILE` from a file'
            cand --url-command 'Shell command that prints the URL, or a JSON object with a `url` field, as negotiate endpoints return it'
            cand --connection-string 'Connection string, `Endpoint=…;AccessKey=…;Version=1.0;`; needs --hub; `-` and `@FILE` as for --url'
            cand --local 'The emulator at http://localhost:PORT, with its published development key [default PORT: 8080]'
            cand --profile 'Profile of the configuration file that brings the source and other settings; see `wps config --help`'
            cand --protocol 'Subprotocol to speak'
            cand --connect-timeout 'Limit of each fresh connection attempt: DNS, TCP, proxy, TLS, upgrade and the `connected` frame together'
            cand --proxy 'Proxy on the way, `http://`, `https://` or `socks5h://[USER:PASSWORD@]HOST[:PORT]`, or `none`'
            cand --resolve 'Address to connect to in place of what DNS says for HOST and PORT, repeatable'
            cand --header 'Header for the WebSocket handshake, `NAME: VALUE`, repeatable; `@FILE` has one on each line'
            cand --ca-cert 'PEM file with certificates to trust besides the platform''s roots'
            cand --client-cert 'PEM file with a client certificate, and its chain, for services that ask for one'
            cand --client-key 'PEM file with the private key of --client-cert, not encrypted [default: the same file]'
            cand --hub 'Hub to connect to; required with --connection-string [default with --local: hub1]'
            cand --user 'User id; anonymous when absent'
            cand --role 'Role, repeatable [default: webpubsub.joinLeaveGroup and webpubsub.sendToGroup]'
            cand --initial-group 'Group that the connection is in from its start, repeatable; needs no role'
            cand --ttl 'How long each token is valid; the service looks at it only when connecting [default: 60m]'
            cand --reconnect-retries 'Fresh attempts after a failed one: a number or `unlimited` [default: 3 until once connected; then see --help]'
            cand --reconnect-delay 'Pause before the first fresh attempt [default: 1s]'
            cand --reconnect-max-delay 'Longest pause between fresh attempts [default: 30s, or the delay if that is longer]'
            cand --reconnect-mode 'How the pause grows'
            cand --ping-interval 'Send a ping when nothing was received for this long; 0 turns it off'
            cand --ping-timeout 'Give the connection up when nothing was received for this long; 0 turns it off'
            cand --retries 'Tries after the first, each with the same ackId'
            cand --retry-delay 'Pause before the first retry [default: 800ms]'
            cand --retry-max-delay 'Longest pause between retries [default: 120s, or the delay if that is longer]'
            cand --retry-mode 'How the pause grows'
            cand --ack-timeout 'How long each try waits for its ack; time spent recovering the connection does not count'
            cand -o 'What stdout carries; everything else goes to stderr'
            cand --output 'What stdout carries; everything else goes to stderr'
            cand --only 'Print only these records; with -o ndjson and -o raw'
            cand --color 'When to use colour'
            cand --timeout 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run'
            cand --ack-id 'ackId of the message, 0 to 18446744073709551615 [default: 1]'
            cand --on-unknown 'What to do when the connection was lost for good before the ack came'
            cand --session 'Keep the connection in FILE, so that the next run with it goes on with the same connection'
            cand --no-system-roots 'Trust only the certificates of --ca-cert, and not the platform''s roots'
            cand --insecure 'Accept any certificate; for tests only, anyone on the way can read and change everything'
            cand --no-reconnect 'The same as --reconnect-retries 0'
            cand --timestamps 'Print the time of arrival before each message; with -o text (ndjson has it always)'
            cand -q 'Print errors only on stderr'
            cand --quiet 'Print errors only on stderr'
            cand -v 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --verbose 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --no-ack 'Fire and forget: ask for no ack; a refusal stays unknown'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;repl'= {
            cand --file 'Take the lines from this file, as a script; without it, from stdin when that is not a terminal'
            cand --url 'Client access URL, `ws(s)://HOST/client/hubs/HUB?access_token=…`; `-` reads it from stdin, `@FILE` from a file'
            cand --url-command 'Shell command that prints the URL, or a JSON object with a `url` field, as negotiate endpoints return it'
            cand --connection-string 'Connection string, `Endpoint=…;AccessKey=…;Version=1.0;`; needs --hub; `-` and `@FILE` as for --url'
            cand --local 'The emulator at http://localhost:PORT, with its published development key [default PORT: 8080]'
            cand --profile 'Profile of the configuration file that brings the source and other settings; see `wps config --help`'
            cand --protocol 'Subprotocol to speak'
            cand --connect-timeout 'Limit of each fresh connection attempt: DNS, TCP, proxy, TLS, upgrade and the `connected` frame together'
            cand --proxy 'Proxy on the way, `http://`, `https://` or `socks5h://[USER:PASSWORD@]HOST[:PORT]`, or `none`'
            cand --resolve 'Address to connect to in place of what DNS says for HOST and PORT, repeatable'
            cand --header 'Header for the WebSocket handshake, `NAME: VALUE`, repeatable; `@FILE` has one on each line'
            cand --ca-cert 'PEM file with certificates to trust besides the platform''s roots'
            cand --client-cert 'PEM file with a client certificate, and its chain, for services that ask for one'
            cand --client-key 'PEM file with the private key of --client-cert, not encrypted [default: the same file]'
            cand --hub 'Hub to connect to; required with --connection-string [default with --local: hub1]'
            cand --user 'User id; anonymous when absent'
            cand --role 'Role, repeatable [default: webpubsub.joinLeaveGroup and webpubsub.sendToGroup]'
            cand --initial-group 'Group that the connection is in from its start, repeatable; needs no role'
            cand --ttl 'How long each token is valid; the service looks at it only when connecting [default: 60m]'
            cand --reconnect-retries 'Fresh attempts after a failed one: a number or `unlimited` [default: 3 until once connected; then see --help]'
            cand --reconnect-delay 'Pause before the first fresh attempt [default: 1s]'
            cand --reconnect-max-delay 'Longest pause between fresh attempts [default: 30s, or the delay if that is longer]'
            cand --reconnect-mode 'How the pause grows'
            cand --ping-interval 'Send a ping when nothing was received for this long; 0 turns it off'
            cand --ping-timeout 'Give the connection up when nothing was received for this long; 0 turns it off'
            cand --retries 'Tries after the first, each with the same ackId'
            cand --retry-delay 'Pause before the first retry [default: 800ms]'
            cand --retry-max-delay 'Longest pause between retries [default: 120s, or the delay if that is longer]'
            cand --retry-mode 'How the pause grows'
            cand --ack-timeout 'How long each try waits for its ack; time spent recovering the connection does not count'
            cand -o 'What stdout carries; everything else goes to stderr'
            cand --output 'What stdout carries; everything else goes to stderr'
            cand --only 'Print only these records; with -o ndjson and -o raw'
            cand --color 'When to use colour'
            cand --timeout 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run'
            cand --on-unknown 'What to do when the connection was lost for good before the ack came'
            cand --keep-going 'Go on after a line that failed; the exit code is that of the first'
            cand --no-system-roots 'Trust only the certificates of --ca-cert, and not the platform''s roots'
            cand --insecure 'Accept any certificate; for tests only, anyone on the way can read and change everything'
            cand --no-reconnect 'The same as --reconnect-retries 0'
            cand --timestamps 'Print the time of arrival before each message; with -o text (ndjson has it always)'
            cand -q 'Print errors only on stderr'
            cand --quiet 'Print errors only on stderr'
            cand -v 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --verbose 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --no-rejoin 'Do not join the groups again on a new connection'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;doctor'= {
            cand -g 'Group to try: it is joined, gets one message, and is left [default: one of its own, wps-doctor-…]'
            cand --group 'Group to try: it is joined, gets one message, and is left [default: one of its own, wps-doctor-…]'
            cand --ack-timeout 'How long each of join, send, receive, ping and leave may take'
            cand -o 'What stdout carries'
            cand --output 'What stdout carries'
            cand --color 'When to use colour'
            cand --url 'Client access URL, `ws(s)://HOST/client/hubs/HUB?access_token=…`; `-` reads it from stdin, `@FILE` from a file'
            cand --url-command 'Shell command that prints the URL, or a JSON object with a `url` field, as negotiate endpoints return it'
            cand --connection-string 'Connection string, `Endpoint=…;AccessKey=…;Version=1.0;`; needs --hub; `-` and `@FILE` as for --url'
            cand --local 'The emulator at http://localhost:PORT, with its published development key [default PORT: 8080]'
            cand --profile 'Profile of the configuration file that brings the source and other settings; see `wps config --help`'
            cand --protocol 'Subprotocol to speak'
            cand --connect-timeout 'Limit of each fresh connection attempt: DNS, TCP, proxy, TLS, upgrade and the `connected` frame together'
            cand --proxy 'Proxy on the way, `http://`, `https://` or `socks5h://[USER:PASSWORD@]HOST[:PORT]`, or `none`'
            cand --resolve 'Address to connect to in place of what DNS says for HOST and PORT, repeatable'
            cand --header 'Header for the WebSocket handshake, `NAME: VALUE`, repeatable; `@FILE` has one on each line'
            cand --ca-cert 'PEM file with certificates to trust besides the platform''s roots'
            cand --client-cert 'PEM file with a client certificate, and its chain, for services that ask for one'
            cand --client-key 'PEM file with the private key of --client-cert, not encrypted [default: the same file]'
            cand --hub 'Hub to connect to; required with --connection-string [default with --local: hub1]'
            cand --user 'User id; anonymous when absent'
            cand --role 'Role, repeatable [default: webpubsub.joinLeaveGroup and webpubsub.sendToGroup]'
            cand --initial-group 'Group that the connection is in from its start, repeatable; needs no role'
            cand --ttl 'How long each token is valid; the service looks at it only when connecting [default: 60m]'
            cand --timeout 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run'
            cand -q 'Print errors only on stderr'
            cand --quiet 'Print errors only on stderr'
            cand -v 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --verbose 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --no-system-roots 'Trust only the certificates of --ca-cert, and not the platform''s roots'
            cand --insecure 'Accept any certificate; for tests only, anyone on the way can read and change everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;emulator'= {
            cand --port 'Port to listen on; 0 picks a free one'
            cand --bind 'Address to listen on'
            cand --advertise 'Endpoint that clients use, where it is not the one listened on, e.g. behind a proxy or in a container'
            cand --access-key 'Access key that tokens are signed with; `-` reads it from stdin, `@FILE` from a file [default: the published key]'
            cand -o 'What stdout carries'
            cand --output 'What stdout carries'
            cand --color 'When to use colour'
            cand --allow-anonymous 'Let clients in that have no token; they have no roles'
            cand --no-echo-events 'Have no handler for events: they are refused with `InternalServerError`'
            cand -q 'Print errors only on stderr'
            cand --quiet 'Print errors only on stderr'
            cand -v 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --verbose 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;url'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand create 'Make a client access URL from a connection string'
            cand inspect 'Explain a client access URL, and what is wrong with it'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wps;url;create'= {
            cand --connection-string 'Connection string, `Endpoint=…;AccessKey=…;Version=1.0;`; needs --hub; `-` and `@FILE` as for --url'
            cand --local 'The emulator at http://localhost:PORT, with its published development key [default PORT: 8080]'
            cand --profile 'Profile of the configuration file that brings the source and other settings; see `wps config --help`'
            cand --hub 'Hub to connect to; required with --connection-string [default with --local: hub1]'
            cand --user 'User id; anonymous when absent'
            cand --role 'Role, repeatable [default: webpubsub.joinLeaveGroup and webpubsub.sendToGroup]'
            cand --initial-group 'Group that the connection is in from its start, repeatable; needs no role'
            cand --ttl 'How long each token is valid; the service looks at it only when connecting [default: 60m]'
            cand -g 'The same as --initial-group'
            cand --group 'The same as --initial-group'
            cand --not-before 'From when on the token is valid: a time such as `2030-01-01T12:00:00Z`, or so long from now; --ttl counts from then'
            cand --claim 'Further claim, repeatable; VALUE is JSON if it parses as such, else a string'
            cand -o 'What stdout carries'
            cand --output 'What stdout carries'
            cand --color 'When to use colour'
            cand --token-only 'Print the token alone'
            cand -q 'Print errors only on stderr'
            cand --quiet 'Print errors only on stderr'
            cand -v 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --verbose 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;url;inspect'= {
            cand --url 'Client access URL, `ws(s)://HOST/client/hubs/HUB?access_token=…`; `-` reads it from stdin, `@FILE` from a file'
            cand --url-command 'Shell command that prints the URL, or a JSON object with a `url` field, as negotiate endpoints return it'
            cand --connection-string 'Connection string, `Endpoint=…;AccessKey=…;Version=1.0;`; needs --hub; `-` and `@FILE` as for --url'
            cand --local 'The emulator at http://localhost:PORT, with its published development key [default PORT: 8080]'
            cand --profile 'Profile of the configuration file that brings the source and other settings; see `wps config --help`'
            cand --hub 'Hub to connect to; required with --connection-string [default with --local: hub1]'
            cand --user 'User id; anonymous when absent'
            cand --role 'Role, repeatable [default: webpubsub.joinLeaveGroup and webpubsub.sendToGroup]'
            cand --initial-group 'Group that the connection is in from its start, repeatable; needs no role'
            cand --ttl 'How long each token is valid; the service looks at it only when connecting [default: 60m]'
            cand --connect-timeout 'Limit of --url-command'
            cand -o 'What stdout carries'
            cand --output 'What stdout carries'
            cand --color 'When to use colour'
            cand -q 'Print errors only on stderr'
            cand --quiet 'Print errors only on stderr'
            cand -v 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --verbose 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;url;help'= {
            cand create 'Make a client access URL from a connection string'
            cand inspect 'Explain a client access URL, and what is wrong with it'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wps;url;help;create'= {
        }
        &'wps;url;help;inspect'= {
        }
        &'wps;url;help;help'= {
        }
        &'wps;config'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand path 'Print where the configuration file is, or would be'
            cand show 'Print the settings that a profile, the environment and the defaults come to, without secrets'
            cand check 'Check every profile: names, types, and whether what it refers to can be read'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wps;config;path'= {
            cand --color 'When to use colour'
            cand -q 'Print errors only on stderr'
            cand --quiet 'Print errors only on stderr'
            cand -v 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --verbose 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;config;show'= {
            cand --profile 'Profile to show [default: `WPS_PROFILE`, else none]'
            cand --color 'When to use colour'
            cand -q 'Print errors only on stderr'
            cand --quiet 'Print errors only on stderr'
            cand -v 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --verbose 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;config;check'= {
            cand --color 'When to use colour'
            cand -q 'Print errors only on stderr'
            cand --quiet 'Print errors only on stderr'
            cand -v 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand --verbose 'Say more on stderr: -v lifecycle, -vv also frames, -vvv also the handshake'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;config;help'= {
            cand path 'Print where the configuration file is, or would be'
            cand show 'Print the settings that a profile, the environment and the defaults come to, without secrets'
            cand check 'Check every profile: names, types, and whether what it refers to can be read'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wps;config;help;path'= {
        }
        &'wps;config;help;show'= {
        }
        &'wps;config;help;check'= {
        }
        &'wps;config;help;help'= {
        }
        &'wps;completions'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;man'= {
            cand --dir 'Directory to write to; made when missing; pages there are replaced'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wps;help'= {
            cand listen 'Print what arrives: messages of the groups given, server messages, lifecycle'
            cand join 'Join groups, report each ack, and exit; --stay holds the membership'
            cand send 'Publish a message to a group'
            cand event 'Send a custom event to the application server'
            cand repl 'Join, send and look by hand, on one connection; also for scripts of such lines'
            cand doctor 'Find out, step by step, why a connection does not work'
            cand emulator 'Run a local Web PubSub service on this machine, for development and tests'
            cand url 'Make client access URLs, and explain them'
            cand config 'Show and check profiles: named sets of flags in a configuration file'
            cand completions 'Print a completion script for a shell'
            cand man 'Write the man pages'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wps;help;listen'= {
        }
        &'wps;help;join'= {
        }
        &'wps;help;send'= {
        }
        &'wps;help;event'= {
        }
        &'wps;help;repl'= {
        }
        &'wps;help;doctor'= {
        }
        &'wps;help;emulator'= {
        }
        &'wps;help;url'= {
            cand create 'Make a client access URL from a connection string'
            cand inspect 'Explain a client access URL, and what is wrong with it'
        }
        &'wps;help;url;create'= {
        }
        &'wps;help;url;inspect'= {
        }
        &'wps;help;config'= {
            cand path 'Print where the configuration file is, or would be'
            cand show 'Print the settings that a profile, the environment and the defaults come to, without secrets'
            cand check 'Check every profile: names, types, and whether what it refers to can be read'
        }
        &'wps;help;config;path'= {
        }
        &'wps;help;config;show'= {
        }
        &'wps;help;config;check'= {
        }
        &'wps;help;completions'= {
        }
        &'wps;help;man'= {
        }
        &'wps;help;help'= {
        }
    ]
    $completions[$command]
}
