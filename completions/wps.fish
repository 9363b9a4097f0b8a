# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_wps_global_optspecs
    string join \n h/help V/version
end

function __fish_wps_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_wps_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_wps_using_subcommand
    set -l cmd (__fish_wps_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c wps -n "__fish_wps_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_needs_command" -s V -l version -d 'Print version'
complete -c wps -n "__fish_wps_needs_command" -f -a "listen" -d 'Print what arrives: messages of the groups given, server messages, lifecycle'
complete -c wps -n "__fish_wps_needs_command" -f -a "join" -d 'Join groups, report each ack, and exit; --stay holds the membership'
complete -c wps -n "__fish_wps_needs_command" -f -a "send" -d 'Publish a message to a group'
complete -c wps -n "__fish_wps_needs_command" -f -a "event" -d 'Send a custom event to the application server'
complete -c wps -n "__fish_wps_needs_command" -f -a "repl" -d 'Join, send and look by hand, on one connection; also for scripts of such lines'
complete -c wps -n "__fish_wps_needs_command" -f -a "replay" -d 'Send again what a recording holds'
complete -c wps -n "__fish_wps_needs_command" -f -a "ping" -d 'Measure round trips of a connection, with statistics'
complete -c wps -n "__fish_wps_needs_command" -f -a "doctor" -d 'Find out, step by step, why a connection does not work'
complete -c wps -n "__fish_wps_needs_command" -f -a "emulator" -d 'Run a local Web PubSub service on this machine, for development and tests'
complete -c wps -n "__fish_wps_needs_command" -f -a "url" -d 'Make client access URLs, and explain them'
complete -c wps -n "__fish_wps_needs_command" -f -a "config" -d 'Show and check profiles: named sets of flags in a configuration file'
complete -c wps -n "__fish_wps_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c wps -n "__fish_wps_needs_command" -f -a "man" -d 'Write the man pages'
complete -c wps -n "__fish_wps_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wps -n "__fish_wps_using_subcommand listen" -s g -l group -d 'Group to join, repeatable; without it only server messages and groups of the token arrive' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l on-ready -d 'Shell command to run once all groups are joined; when it fails, the run ends with exit 12' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l count -d 'End after N messages, exit 0' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l for -d 'End after this time, exit 0' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l idle-timeout -d 'End when no message came for this time, exit 0' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l until -d 'End at the first record for which this jq expression is true, exit 0; it is the last that is printed' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l fail-on -d 'End at the first record for which this jq expression is true, exit 12; goes before --until' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l jq -d 'Print the results of this jq expression; means -o ndjson' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l url -d 'Client access URL; `-`: stdin, `@FILE`: a file' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l url-command -d 'Shell command that prints the URL' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l connection-string -d 'Connection string of the service; needs --hub; `-`, `@FILE`' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l local -d 'The emulator on this machine [default PORT: 8080]' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l profile -d 'Profile of the configuration file to use' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l protocol -d 'Subprotocol to speak' -r -f -a "json-reliable\t'recovers dropped connections without loss'
json\t'no sequence ids, no recovery'
protobuf-reliable\t'json-reliable in binary frames'
protobuf\t'json in binary frames'"
complete -c wps -n "__fish_wps_using_subcommand listen" -l connect-timeout -d 'Limit of each fresh attempt to connect' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l proxy -d 'Proxy on the way, or `none`' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l resolve -d 'Address to use in place of what DNS says, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l header -d 'Header for the WebSocket handshake, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l ca-cert -d 'PEM file to trust besides the platform\'s roots' -r -F
complete -c wps -n "__fish_wps_using_subcommand listen" -l client-cert -d 'PEM file with a client certificate and its chain' -r -F
complete -c wps -n "__fish_wps_using_subcommand listen" -l client-key -d 'PEM file with its private key, not encrypted' -r -F
complete -c wps -n "__fish_wps_using_subcommand listen" -l hub -d 'Hub to connect to [default with --local: hub1]' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l user -d 'User id; anonymous when absent' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l role -d 'Role, repeatable [default: join, leave and send everywhere]' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l initial-group -d 'Group to be in from the start, repeatable; needs no role' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l ttl -d 'How long each token is valid [default: 60m]' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l reconnect-retries -d 'Fresh attempts after a failed one' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l reconnect-delay -d 'Pause before the first fresh attempt [default: 1s]' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l reconnect-max-delay -d 'Longest pause between them [default: 30s]' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l reconnect-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand listen" -l ping-interval -d 'Ping after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l ping-timeout -d 'Give up after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l retries -d 'Tries after the first, each with the same ackId' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l retry-delay -d 'Pause before the first retry [default: 800ms]' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l retry-max-delay -d 'Longest pause between them [default: 120s]' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l retry-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand listen" -l ack-timeout -d 'How long each try waits for its ack' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -s o -l output -d 'What stdout carries' -r -f -a "text\t'a line a message, for people; JSON is pretty-printed on a terminal'
ndjson\t'one JSON object a line: messages, lifecycle, acks, `stopped`'
data\t'the payload and a newline; binary payloads as they are'
raw\t'every frame as it was received, a line each; binary frames as base64'"
complete -c wps -n "__fish_wps_using_subcommand listen" -l only -d 'Print only these records' -r -f -a "messages\t'group and server messages'
events\t'everything else'"
complete -c wps -n "__fish_wps_using_subcommand listen" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand listen" -l record -d 'Record every frame in FILE, for `wps replay`' -r -F
complete -c wps -n "__fish_wps_using_subcommand listen" -l timeout -d 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run' -r
complete -c wps -n "__fish_wps_using_subcommand listen" -l session -d 'Keep the connection in FILE, for the next run with it' -r -F
complete -c wps -n "__fish_wps_using_subcommand listen" -s r -l raw-output -d 'Print strings among them bare'
complete -c wps -n "__fish_wps_using_subcommand listen" -l no-system-roots -d 'Trust --ca-cert alone, not the platform\'s roots'
complete -c wps -n "__fish_wps_using_subcommand listen" -l insecure -d 'Accept any certificate; for tests only'
complete -c wps -n "__fish_wps_using_subcommand listen" -l no-reconnect -d 'The same as --reconnect-retries 0'
complete -c wps -n "__fish_wps_using_subcommand listen" -l timestamps -d 'Print the time before each message'
complete -c wps -n "__fish_wps_using_subcommand listen" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand listen" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand listen" -l no-rejoin -d 'Do not join the groups again on a new connection'
complete -c wps -n "__fish_wps_using_subcommand listen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand join" -l jq -d 'Print the results of this jq expression; means -o ndjson' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l url -d 'Client access URL; `-`: stdin, `@FILE`: a file' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l url-command -d 'Shell command that prints the URL' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l connection-string -d 'Connection string of the service; needs --hub; `-`, `@FILE`' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l local -d 'The emulator on this machine [default PORT: 8080]' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l profile -d 'Profile of the configuration file to use' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l protocol -d 'Subprotocol to speak' -r -f -a "json-reliable\t'recovers dropped connections without loss'
json\t'no sequence ids, no recovery'
protobuf-reliable\t'json-reliable in binary frames'
protobuf\t'json in binary frames'"
complete -c wps -n "__fish_wps_using_subcommand join" -l connect-timeout -d 'Limit of each fresh attempt to connect' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l proxy -d 'Proxy on the way, or `none`' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l resolve -d 'Address to use in place of what DNS says, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l header -d 'Header for the WebSocket handshake, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l ca-cert -d 'PEM file to trust besides the platform\'s roots' -r -F
complete -c wps -n "__fish_wps_using_subcommand join" -l client-cert -d 'PEM file with a client certificate and its chain' -r -F
complete -c wps -n "__fish_wps_using_subcommand join" -l client-key -d 'PEM file with its private key, not encrypted' -r -F
complete -c wps -n "__fish_wps_using_subcommand join" -l hub -d 'Hub to connect to [default with --local: hub1]' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l user -d 'User id; anonymous when absent' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l role -d 'Role, repeatable [default: join, leave and send everywhere]' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l initial-group -d 'Group to be in from the start, repeatable; needs no role' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l ttl -d 'How long each token is valid [default: 60m]' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l reconnect-retries -d 'Fresh attempts after a failed one' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l reconnect-delay -d 'Pause before the first fresh attempt [default: 1s]' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l reconnect-max-delay -d 'Longest pause between them [default: 30s]' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l reconnect-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand join" -l ping-interval -d 'Ping after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l ping-timeout -d 'Give up after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l retries -d 'Tries after the first, each with the same ackId' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l retry-delay -d 'Pause before the first retry [default: 800ms]' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l retry-max-delay -d 'Longest pause between them [default: 120s]' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l retry-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand join" -l ack-timeout -d 'How long each try waits for its ack' -r
complete -c wps -n "__fish_wps_using_subcommand join" -s o -l output -d 'What stdout carries' -r -f -a "text\t'a line a message, for people; JSON is pretty-printed on a terminal'
ndjson\t'one JSON object a line: messages, lifecycle, acks, `stopped`'
data\t'the payload and a newline; binary payloads as they are'
raw\t'every frame as it was received, a line each; binary frames as base64'"
complete -c wps -n "__fish_wps_using_subcommand join" -l only -d 'Print only these records' -r -f -a "messages\t'group and server messages'
events\t'everything else'"
complete -c wps -n "__fish_wps_using_subcommand join" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand join" -l record -d 'Record every frame in FILE, for `wps replay`' -r -F
complete -c wps -n "__fish_wps_using_subcommand join" -l timeout -d 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l ack-id -d 'ackId of the first join, 0 to 18446744073709551615; further groups count up from it [default: 1]' -r
complete -c wps -n "__fish_wps_using_subcommand join" -l session -d 'Keep the connection in FILE, for the next run with it' -r -F
complete -c wps -n "__fish_wps_using_subcommand join" -l stay -d 'Hold the membership until stopped, across reconnects'
complete -c wps -n "__fish_wps_using_subcommand join" -s r -l raw-output -d 'Print strings among them bare'
complete -c wps -n "__fish_wps_using_subcommand join" -l no-system-roots -d 'Trust --ca-cert alone, not the platform\'s roots'
complete -c wps -n "__fish_wps_using_subcommand join" -l insecure -d 'Accept any certificate; for tests only'
complete -c wps -n "__fish_wps_using_subcommand join" -l no-reconnect -d 'The same as --reconnect-retries 0'
complete -c wps -n "__fish_wps_using_subcommand join" -l timestamps -d 'Print the time before each message'
complete -c wps -n "__fish_wps_using_subcommand join" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand join" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand join" -l no-rejoin -d 'Do not join the groups again on a new connection'
complete -c wps -n "__fish_wps_using_subcommand join" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand send" -l jq -d 'Print the results of this jq expression; means -o ndjson' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l file -d 'Send what this file holds, byte for byte' -r -F
complete -c wps -n "__fish_wps_using_subcommand send" -s t -l type -d 'What the data is' -r -f -a "text\t'characters, UTF-8'
json\t'one JSON value; digits and key order stay as given'
binary\t'bytes'
protobuf\t'a serialized google.protobuf.Any; needs a protobuf subprotocol'"
complete -c wps -n "__fish_wps_using_subcommand send" -l encoding -d 'How binary data is written; decoded before it is sent; spaces and line breaks in it are ignored' -r -f -a "base64\t'standard or URL-safe alphabet, padded or not'
hex\t'two digits a byte'"
complete -c wps -n "__fish_wps_using_subcommand send" -l repeat -d 'Send the message N times' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l in-flight -d 'How far messages are sent ahead of the oldest that is not acknowledged, 1 to 1000 [default: 256]' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l rate -d 'Send at most so many messages a second, evenly: `100`, `100/s`, `30/m`, `5/h`' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l url -d 'Client access URL; `-`: stdin, `@FILE`: a file' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l url-command -d 'Shell command that prints the URL' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l connection-string -d 'Connection string of the service; needs --hub; `-`, `@FILE`' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l local -d 'The emulator on this machine [default PORT: 8080]' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l profile -d 'Profile of the configuration file to use' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l protocol -d 'Subprotocol to speak' -r -f -a "json-reliable\t'recovers dropped connections without loss'
json\t'no sequence ids, no recovery'
protobuf-reliable\t'json-reliable in binary frames'
protobuf\t'json in binary frames'"
complete -c wps -n "__fish_wps_using_subcommand send" -l connect-timeout -d 'Limit of each fresh attempt to connect' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l proxy -d 'Proxy on the way, or `none`' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l resolve -d 'Address to use in place of what DNS says, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l header -d 'Header for the WebSocket handshake, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l ca-cert -d 'PEM file to trust besides the platform\'s roots' -r -F
complete -c wps -n "__fish_wps_using_subcommand send" -l client-cert -d 'PEM file with a client certificate and its chain' -r -F
complete -c wps -n "__fish_wps_using_subcommand send" -l client-key -d 'PEM file with its private key, not encrypted' -r -F
complete -c wps -n "__fish_wps_using_subcommand send" -l hub -d 'Hub to connect to [default with --local: hub1]' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l user -d 'User id; anonymous when absent' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l role -d 'Role, repeatable [default: join, leave and send everywhere]' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l initial-group -d 'Group to be in from the start, repeatable; needs no role' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l ttl -d 'How long each token is valid [default: 60m]' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l reconnect-retries -d 'Fresh attempts after a failed one' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l reconnect-delay -d 'Pause before the first fresh attempt [default: 1s]' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l reconnect-max-delay -d 'Longest pause between them [default: 30s]' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l reconnect-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand send" -l ping-interval -d 'Ping after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l ping-timeout -d 'Give up after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l retries -d 'Tries after the first, each with the same ackId' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l retry-delay -d 'Pause before the first retry [default: 800ms]' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l retry-max-delay -d 'Longest pause between them [default: 120s]' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l retry-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand send" -l ack-timeout -d 'How long each try waits for its ack' -r
complete -c wps -n "__fish_wps_using_subcommand send" -s o -l output -d 'What stdout carries' -r -f -a "text\t'a line a message, for people; JSON is pretty-printed on a terminal'
ndjson\t'one JSON object a line: messages, lifecycle, acks, `stopped`'
data\t'the payload and a newline; binary payloads as they are'
raw\t'every frame as it was received, a line each; binary frames as base64'"
complete -c wps -n "__fish_wps_using_subcommand send" -l only -d 'Print only these records' -r -f -a "messages\t'group and server messages'
events\t'everything else'"
complete -c wps -n "__fish_wps_using_subcommand send" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand send" -l record -d 'Record every frame in FILE, for `wps replay`' -r -F
complete -c wps -n "__fish_wps_using_subcommand send" -l timeout -d 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l ack-id -d 'ackId of the message, 0 to 18446744073709551615 [default: 1]' -r
complete -c wps -n "__fish_wps_using_subcommand send" -l on-unknown -d 'What to do when the connection was lost for good before the ack came' -r -f -a "fail\t'exit 9, naming the ackId'
resend\t'send it again on the new connection; it may arrive twice'"
complete -c wps -n "__fish_wps_using_subcommand send" -l session -d 'Keep the connection in FILE, for the next run with it' -r -F
complete -c wps -n "__fish_wps_using_subcommand send" -l no-echo -d 'Do not deliver the message to the connection that sends it'
complete -c wps -n "__fish_wps_using_subcommand send" -s r -l raw-output -d 'Print strings among them bare'
complete -c wps -n "__fish_wps_using_subcommand send" -l lines -d 'Send each line of stdin as a message, as soon as it is there'
complete -c wps -n "__fish_wps_using_subcommand send" -l ndjson -d 'Send each JSON record of stdin as a message: {"data":…,"dataType":…,"group":…} (for events: "event")'
complete -c wps -n "__fish_wps_using_subcommand send" -l keep-going -d 'Go on after a line that cannot be sent or is refused; the exit code is that of the first'
complete -c wps -n "__fish_wps_using_subcommand send" -l no-system-roots -d 'Trust --ca-cert alone, not the platform\'s roots'
complete -c wps -n "__fish_wps_using_subcommand send" -l insecure -d 'Accept any certificate; for tests only'
complete -c wps -n "__fish_wps_using_subcommand send" -l no-reconnect -d 'The same as --reconnect-retries 0'
complete -c wps -n "__fish_wps_using_subcommand send" -l timestamps -d 'Print the time before each message'
complete -c wps -n "__fish_wps_using_subcommand send" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand send" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand send" -l no-ack -d 'Fire and forget: ask for no ack; a refusal stays unknown'
complete -c wps -n "__fish_wps_using_subcommand send" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand event" -l wait-reply -d 'Print N server messages that answer, then exit [default N: 1]' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l until -d 'Wait for a record for which this jq expression is true, instead of a number of answers; else exit 12' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l jq -d 'Print the results of this jq expression; means -o ndjson' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l file -d 'Send what this file holds, byte for byte' -r -F
complete -c wps -n "__fish_wps_using_subcommand event" -s t -l type -d 'What the data is' -r -f -a "text\t'characters, UTF-8'
json\t'one JSON value; digits and key order stay as given'
binary\t'bytes'
protobuf\t'a serialized google.protobuf.Any; needs a protobuf subprotocol'"
complete -c wps -n "__fish_wps_using_subcommand event" -l encoding -d 'How binary data is written; decoded before it is sent; spaces and line breaks in it are ignored' -r -f -a "base64\t'standard or URL-safe alphabet, padded or not'
hex\t'two digits a byte'"
complete -c wps -n "__fish_wps_using_subcommand event" -l repeat -d 'Send the message N times' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l in-flight -d 'How far messages are sent ahead of the oldest that is not acknowledged, 1 to 1000 [default: 256]' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l rate -d 'Send at most so many messages a second, evenly: `100`, `100/s`, `30/m`, `5/h`' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l url -d 'Client access URL; `-`: stdin, `@FILE`: a file' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l url-command -d 'Shell command that prints the URL' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l connection-string -d 'Connection string of the service; needs --hub; `-`, `@FILE`' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l local -d 'The emulator on this machine [default PORT: 8080]' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l profile -d 'Profile of the configuration file to use' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l protocol -d 'Subprotocol to speak' -r -f -a "json-reliable\t'recovers dropped connections without loss'
json\t'no sequence ids, no recovery'
protobuf-reliable\t'json-reliable in binary frames'
protobuf\t'json in binary frames'"
complete -c wps -n "__fish_wps_using_subcommand event" -l connect-timeout -d 'Limit of each fresh attempt to connect' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l proxy -d 'Proxy on the way, or `none`' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l resolve -d 'Address to use in place of what DNS says, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l header -d 'Header for the WebSocket handshake, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l ca-cert -d 'PEM file to trust besides the platform\'s roots' -r -F
complete -c wps -n "__fish_wps_using_subcommand event" -l client-cert -d 'PEM file with a client certificate and its chain' -r -F
complete -c wps -n "__fish_wps_using_subcommand event" -l client-key -d 'PEM file with its private key, not encrypted' -r -F
complete -c wps -n "__fish_wps_using_subcommand event" -l hub -d 'Hub to connect to [default with --local: hub1]' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l user -d 'User id; anonymous when absent' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l role -d 'Role, repeatable [default: join, leave and send everywhere]' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l initial-group -d 'Group to be in from the start, repeatable; needs no role' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l ttl -d 'How long each token is valid [default: 60m]' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l reconnect-retries -d 'Fresh attempts after a failed one' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l reconnect-delay -d 'Pause before the first fresh attempt [default: 1s]' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l reconnect-max-delay -d 'Longest pause between them [default: 30s]' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l reconnect-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand event" -l ping-interval -d 'Ping after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l ping-timeout -d 'Give up after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l retries -d 'Tries after the first, each with the same ackId' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l retry-delay -d 'Pause before the first retry [default: 800ms]' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l retry-max-delay -d 'Longest pause between them [default: 120s]' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l retry-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand event" -l ack-timeout -d 'How long each try waits for its ack' -r
complete -c wps -n "__fish_wps_using_subcommand event" -s o -l output -d 'What stdout carries' -r -f -a "text\t'a line a message, for people; JSON is pretty-printed on a terminal'
ndjson\t'one JSON object a line: messages, lifecycle, acks, `stopped`'
data\t'the payload and a newline; binary payloads as they are'
raw\t'every frame as it was received, a line each; binary frames as base64'"
complete -c wps -n "__fish_wps_using_subcommand event" -l only -d 'Print only these records' -r -f -a "messages\t'group and server messages'
events\t'everything else'"
complete -c wps -n "__fish_wps_using_subcommand event" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand event" -l record -d 'Record every frame in FILE, for `wps replay`' -r -F
complete -c wps -n "__fish_wps_using_subcommand event" -l timeout -d 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l ack-id -d 'ackId of the message, 0 to 18446744073709551615 [default: 1]' -r
complete -c wps -n "__fish_wps_using_subcommand event" -l on-unknown -d 'What to do when the connection was lost for good before the ack came' -r -f -a "fail\t'exit 9, naming the ackId'
resend\t'send it again on the new connection; it may arrive twice'"
complete -c wps -n "__fish_wps_using_subcommand event" -l session -d 'Keep the connection in FILE, for the next run with it' -r -F
complete -c wps -n "__fish_wps_using_subcommand event" -s r -l raw-output -d 'Print strings among them bare'
complete -c wps -n "__fish_wps_using_subcommand event" -l lines -d 'Send each line of stdin as a message, as soon as it is there'
complete -c wps -n "__fish_wps_using_subcommand event" -l ndjson -d 'Send each JSON record of stdin as a message: {"data":…,"dataType":…,"group":…} (for events: "event")'
complete -c wps -n "__fish_wps_using_subcommand event" -l keep-going -d 'Go on after a line that cannot be sent or is refused; the exit code is that of the first'
complete -c wps -n "__fish_wps_using_subcommand event" -l no-system-roots -d 'Trust --ca-cert alone, not the platform\'s roots'
complete -c wps -n "__fish_wps_using_subcommand event" -l insecure -d 'Accept any certificate; for tests only'
complete -c wps -n "__fish_wps_using_subcommand event" -l no-reconnect -d 'The same as --reconnect-retries 0'
complete -c wps -n "__fish_wps_using_subcommand event" -l timestamps -d 'Print the time before each message'
complete -c wps -n "__fish_wps_using_subcommand event" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand event" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand event" -l no-ack -d 'Fire and forget: ask for no ack; a refusal stays unknown'
complete -c wps -n "__fish_wps_using_subcommand event" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand repl" -l file -d 'Take the lines from this file, as a script; without it, from stdin when that is not a terminal' -r -F
complete -c wps -n "__fish_wps_using_subcommand repl" -l url -d 'Client access URL; `-`: stdin, `@FILE`: a file' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l url-command -d 'Shell command that prints the URL' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l connection-string -d 'Connection string of the service; needs --hub; `-`, `@FILE`' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l local -d 'The emulator on this machine [default PORT: 8080]' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l profile -d 'Profile of the configuration file to use' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l protocol -d 'Subprotocol to speak' -r -f -a "json-reliable\t'recovers dropped connections without loss'
json\t'no sequence ids, no recovery'
protobuf-reliable\t'json-reliable in binary frames'
protobuf\t'json in binary frames'"
complete -c wps -n "__fish_wps_using_subcommand repl" -l connect-timeout -d 'Limit of each fresh attempt to connect' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l proxy -d 'Proxy on the way, or `none`' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l resolve -d 'Address to use in place of what DNS says, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l header -d 'Header for the WebSocket handshake, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l ca-cert -d 'PEM file to trust besides the platform\'s roots' -r -F
complete -c wps -n "__fish_wps_using_subcommand repl" -l client-cert -d 'PEM file with a client certificate and its chain' -r -F
complete -c wps -n "__fish_wps_using_subcommand repl" -l client-key -d 'PEM file with its private key, not encrypted' -r -F
complete -c wps -n "__fish_wps_using_subcommand repl" -l hub -d 'Hub to connect to [default with --local: hub1]' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l user -d 'User id; anonymous when absent' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l role -d 'Role, repeatable [default: join, leave and send everywhere]' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l initial-group -d 'Group to be in from the start, repeatable; needs no role' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l ttl -d 'How long each token is valid [default: 60m]' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l reconnect-retries -d 'Fresh attempts after a failed one' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l reconnect-delay -d 'Pause before the first fresh attempt [default: 1s]' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l reconnect-max-delay -d 'Longest pause between them [default: 30s]' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l reconnect-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand repl" -l ping-interval -d 'Ping after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l ping-timeout -d 'Give up after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l retries -d 'Tries after the first, each with the same ackId' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l retry-delay -d 'Pause before the first retry [default: 800ms]' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l retry-max-delay -d 'Longest pause between them [default: 120s]' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l retry-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand repl" -l ack-timeout -d 'How long each try waits for its ack' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -s o -l output -d 'What stdout carries' -r -f -a "text\t'a line a message, for people; JSON is pretty-printed on a terminal'
ndjson\t'one JSON object a line: messages, lifecycle, acks, `stopped`'
data\t'the payload and a newline; binary payloads as they are'
raw\t'every frame as it was received, a line each; binary frames as base64'"
complete -c wps -n "__fish_wps_using_subcommand repl" -l only -d 'Print only these records' -r -f -a "messages\t'group and server messages'
events\t'everything else'"
complete -c wps -n "__fish_wps_using_subcommand repl" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand repl" -l record -d 'Record every frame in FILE, for `wps replay`' -r -F
complete -c wps -n "__fish_wps_using_subcommand repl" -l timeout -d 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run' -r
complete -c wps -n "__fish_wps_using_subcommand repl" -l on-unknown -d 'What to do when the connection was lost for good before the ack came' -r -f -a "fail\t'exit 9, naming the ackId'
resend\t'send it again on the new connection; it may arrive twice'"
complete -c wps -n "__fish_wps_using_subcommand repl" -l keep-going -d 'Go on after a line that failed; the exit code is that of the first'
complete -c wps -n "__fish_wps_using_subcommand repl" -l no-system-roots -d 'Trust --ca-cert alone, not the platform\'s roots'
complete -c wps -n "__fish_wps_using_subcommand repl" -l insecure -d 'Accept any certificate; for tests only'
complete -c wps -n "__fish_wps_using_subcommand repl" -l no-reconnect -d 'The same as --reconnect-retries 0'
complete -c wps -n "__fish_wps_using_subcommand repl" -l timestamps -d 'Print the time before each message'
complete -c wps -n "__fish_wps_using_subcommand repl" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand repl" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand repl" -l no-rejoin -d 'Do not join the groups again on a new connection'
complete -c wps -n "__fish_wps_using_subcommand repl" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand replay" -l speed -d 'How fast: `2x` or `0.5` times as fast as it was, or `max`, as fast as the acks come' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -s g -l group -d 'Publish to this group, whichever it was' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l jq -d 'Print the results of this jq expression; means -o ndjson' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l url -d 'Client access URL; `-`: stdin, `@FILE`: a file' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l url-command -d 'Shell command that prints the URL' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l connection-string -d 'Connection string of the service; needs --hub; `-`, `@FILE`' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l local -d 'The emulator on this machine [default PORT: 8080]' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l profile -d 'Profile of the configuration file to use' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l protocol -d 'Subprotocol to speak' -r -f -a "json-reliable\t'recovers dropped connections without loss'
json\t'no sequence ids, no recovery'
protobuf-reliable\t'json-reliable in binary frames'
protobuf\t'json in binary frames'"
complete -c wps -n "__fish_wps_using_subcommand replay" -l connect-timeout -d 'Limit of each fresh attempt to connect' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l proxy -d 'Proxy on the way, or `none`' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l resolve -d 'Address to use in place of what DNS says, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l header -d 'Header for the WebSocket handshake, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l ca-cert -d 'PEM file to trust besides the platform\'s roots' -r -F
complete -c wps -n "__fish_wps_using_subcommand replay" -l client-cert -d 'PEM file with a client certificate and its chain' -r -F
complete -c wps -n "__fish_wps_using_subcommand replay" -l client-key -d 'PEM file with its private key, not encrypted' -r -F
complete -c wps -n "__fish_wps_using_subcommand replay" -l hub -d 'Hub to connect to [default with --local: hub1]' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l user -d 'User id; anonymous when absent' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l role -d 'Role, repeatable [default: join, leave and send everywhere]' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l initial-group -d 'Group to be in from the start, repeatable; needs no role' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l ttl -d 'How long each token is valid [default: 60m]' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l reconnect-retries -d 'Fresh attempts after a failed one' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l reconnect-delay -d 'Pause before the first fresh attempt [default: 1s]' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l reconnect-max-delay -d 'Longest pause between them [default: 30s]' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l reconnect-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand replay" -l ping-interval -d 'Ping after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l ping-timeout -d 'Give up after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l retries -d 'Tries after the first, each with the same ackId' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l retry-delay -d 'Pause before the first retry [default: 800ms]' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l retry-max-delay -d 'Longest pause between them [default: 120s]' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l retry-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand replay" -l ack-timeout -d 'How long each try waits for its ack' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -s o -l output -d 'What stdout carries' -r -f -a "text\t'a line a message, for people; JSON is pretty-printed on a terminal'
ndjson\t'one JSON object a line: messages, lifecycle, acks, `stopped`'
data\t'the payload and a newline; binary payloads as they are'
raw\t'every frame as it was received, a line each; binary frames as base64'"
complete -c wps -n "__fish_wps_using_subcommand replay" -l only -d 'Print only these records' -r -f -a "messages\t'group and server messages'
events\t'everything else'"
complete -c wps -n "__fish_wps_using_subcommand replay" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand replay" -l record -d 'Record every frame in FILE, for `wps replay`' -r -F
complete -c wps -n "__fish_wps_using_subcommand replay" -l timeout -d 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run' -r
complete -c wps -n "__fish_wps_using_subcommand replay" -l on-unknown -d 'What to do when the connection was lost for good before the ack came' -r -f -a "fail\t'exit 9, naming the ackId'
resend\t'send it again on the new connection; it may arrive twice'"
complete -c wps -n "__fish_wps_using_subcommand replay" -l received -d 'Publish what was received, instead of what was sent'
complete -c wps -n "__fish_wps_using_subcommand replay" -l dry-run -d 'Print the frames, one a line, and send nothing; needs no connection'
complete -c wps -n "__fish_wps_using_subcommand replay" -s r -l raw-output -d 'Print strings among them bare'
complete -c wps -n "__fish_wps_using_subcommand replay" -l no-system-roots -d 'Trust --ca-cert alone, not the platform\'s roots'
complete -c wps -n "__fish_wps_using_subcommand replay" -l insecure -d 'Accept any certificate; for tests only'
complete -c wps -n "__fish_wps_using_subcommand replay" -l no-reconnect -d 'The same as --reconnect-retries 0'
complete -c wps -n "__fish_wps_using_subcommand replay" -l timestamps -d 'Print the time before each message'
complete -c wps -n "__fish_wps_using_subcommand replay" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand replay" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand ping" -s c -l count -d 'End after N pings and their answers [default: 5, and no end at a terminal]' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -s i -l interval -d 'Time from one ping to the next, whether or not it was answered' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -s g -l group -d 'Send messages to this group and wait for them to come back, instead of the protocol\'s ping' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l until -d 'End at the first record for which this jq expression is true, exit 0; it is the last that is printed' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l fail-on -d 'End at the first record for which this jq expression is true, exit 12; goes before --until' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l jq -d 'Print the results of this jq expression; means -o ndjson' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l url -d 'Client access URL; `-`: stdin, `@FILE`: a file' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l url-command -d 'Shell command that prints the URL' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l connection-string -d 'Connection string of the service; needs --hub; `-`, `@FILE`' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l local -d 'The emulator on this machine [default PORT: 8080]' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l profile -d 'Profile of the configuration file to use' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l protocol -d 'Subprotocol to speak' -r -f -a "json-reliable\t'recovers dropped connections without loss'
json\t'no sequence ids, no recovery'
protobuf-reliable\t'json-reliable in binary frames'
protobuf\t'json in binary frames'"
complete -c wps -n "__fish_wps_using_subcommand ping" -l connect-timeout -d 'Limit of each fresh attempt to connect' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l proxy -d 'Proxy on the way, or `none`' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l resolve -d 'Address to use in place of what DNS says, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l header -d 'Header for the WebSocket handshake, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l ca-cert -d 'PEM file to trust besides the platform\'s roots' -r -F
complete -c wps -n "__fish_wps_using_subcommand ping" -l client-cert -d 'PEM file with a client certificate and its chain' -r -F
complete -c wps -n "__fish_wps_using_subcommand ping" -l client-key -d 'PEM file with its private key, not encrypted' -r -F
complete -c wps -n "__fish_wps_using_subcommand ping" -l hub -d 'Hub to connect to [default with --local: hub1]' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l user -d 'User id; anonymous when absent' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l role -d 'Role, repeatable [default: join, leave and send everywhere]' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l initial-group -d 'Group to be in from the start, repeatable; needs no role' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l ttl -d 'How long each token is valid [default: 60m]' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l reconnect-retries -d 'Fresh attempts after a failed one' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l reconnect-delay -d 'Pause before the first fresh attempt [default: 1s]' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l reconnect-max-delay -d 'Longest pause between them [default: 30s]' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l reconnect-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand ping" -l ping-interval -d 'Ping after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l ping-timeout -d 'Give up after so long a silence; 0: never' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l retries -d 'Tries after the first, each with the same ackId' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l retry-delay -d 'Pause before the first retry [default: 800ms]' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l retry-max-delay -d 'Longest pause between them [default: 120s]' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -l retry-mode -d 'How the pause grows' -r -f -a "exponential\t'the pause doubles up to the maximum, with jitter'
fixed\t'always the same pause'"
complete -c wps -n "__fish_wps_using_subcommand ping" -l ack-timeout -d 'How long each try waits for its ack' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -s o -l output -d 'What stdout carries' -r -f -a "text\t'a line a message, for people; JSON is pretty-printed on a terminal'
ndjson\t'one JSON object a line: messages, lifecycle, acks, `stopped`'
data\t'the payload and a newline; binary payloads as they are'
raw\t'every frame as it was received, a line each; binary frames as base64'"
complete -c wps -n "__fish_wps_using_subcommand ping" -l only -d 'Print only these records' -r -f -a "messages\t'group and server messages'
events\t'everything else'"
complete -c wps -n "__fish_wps_using_subcommand ping" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand ping" -l record -d 'Record every frame in FILE, for `wps replay`' -r -F
complete -c wps -n "__fish_wps_using_subcommand ping" -l timeout -d 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run' -r
complete -c wps -n "__fish_wps_using_subcommand ping" -s r -l raw-output -d 'Print strings among them bare'
complete -c wps -n "__fish_wps_using_subcommand ping" -l no-system-roots -d 'Trust --ca-cert alone, not the platform\'s roots'
complete -c wps -n "__fish_wps_using_subcommand ping" -l insecure -d 'Accept any certificate; for tests only'
complete -c wps -n "__fish_wps_using_subcommand ping" -l no-reconnect -d 'The same as --reconnect-retries 0'
complete -c wps -n "__fish_wps_using_subcommand ping" -l timestamps -d 'Print the time before each message'
complete -c wps -n "__fish_wps_using_subcommand ping" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand ping" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand ping" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand doctor" -s g -l group -d 'Group to try: it is joined, gets one message, and is left [default: one of its own, wps-doctor-…]' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l ack-timeout -d 'How long each of join, send, receive, ping and leave may take' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -s o -l output -d 'What stdout carries' -r -f -a "text\t'for people'
ndjson\t'one JSON object a line'"
complete -c wps -n "__fish_wps_using_subcommand doctor" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand doctor" -l url -d 'Client access URL; `-`: stdin, `@FILE`: a file' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l url-command -d 'Shell command that prints the URL' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l connection-string -d 'Connection string of the service; needs --hub; `-`, `@FILE`' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l local -d 'The emulator on this machine [default PORT: 8080]' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l profile -d 'Profile of the configuration file to use' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l protocol -d 'Subprotocol to speak' -r -f -a "json-reliable\t'recovers dropped connections without loss'
json\t'no sequence ids, no recovery'
protobuf-reliable\t'json-reliable in binary frames'
protobuf\t'json in binary frames'"
complete -c wps -n "__fish_wps_using_subcommand doctor" -l connect-timeout -d 'Limit of each fresh attempt to connect' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l proxy -d 'Proxy on the way, or `none`' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l resolve -d 'Address to use in place of what DNS says, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l header -d 'Header for the WebSocket handshake, repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l ca-cert -d 'PEM file to trust besides the platform\'s roots' -r -F
complete -c wps -n "__fish_wps_using_subcommand doctor" -l client-cert -d 'PEM file with a client certificate and its chain' -r -F
complete -c wps -n "__fish_wps_using_subcommand doctor" -l client-key -d 'PEM file with its private key, not encrypted' -r -F
complete -c wps -n "__fish_wps_using_subcommand doctor" -l hub -d 'Hub to connect to [default with --local: hub1]' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l user -d 'User id; anonymous when absent' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l role -d 'Role, repeatable [default: join, leave and send everywhere]' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l initial-group -d 'Group to be in from the start, repeatable; needs no role' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l ttl -d 'How long each token is valid [default: 60m]' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -l timeout -d 'End after this time, counted from the start of the process, with exit 124 if nothing else ended the run' -r
complete -c wps -n "__fish_wps_using_subcommand doctor" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand doctor" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand doctor" -l no-system-roots -d 'Trust --ca-cert alone, not the platform\'s roots'
complete -c wps -n "__fish_wps_using_subcommand doctor" -l insecure -d 'Accept any certificate; for tests only'
complete -c wps -n "__fish_wps_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand emulator" -l port -d 'Port to listen on; 0 picks a free one' -r
complete -c wps -n "__fish_wps_using_subcommand emulator" -l bind -d 'Address to listen on; `localhost` is both loopback addresses, ::1 and 127.0.0.1' -r
complete -c wps -n "__fish_wps_using_subcommand emulator" -l advertise -d 'Endpoint that clients use, where it is not the one listened on, e.g. behind a proxy or in a container' -r
complete -c wps -n "__fish_wps_using_subcommand emulator" -l access-key -d 'Access key that tokens are signed with; `-` reads it from stdin, `@FILE` from a file [default: the published key]' -r
complete -c wps -n "__fish_wps_using_subcommand emulator" -l fault -d 'Something that goes wrong, e.g. `nack=InternalServerError,op=sendToGroup,times=2`; `help` lists what there is' -r
complete -c wps -n "__fish_wps_using_subcommand emulator" -l seed -d 'Makes chance repeatable: what faults leave to it, connection ids and reconnection tokens' -r
complete -c wps -n "__fish_wps_using_subcommand emulator" -l event-handler -d 'Event handler (webhook) of every hub: URL[,user-events=LIST][,system-events=LIST]; repeatable' -r
complete -c wps -n "__fish_wps_using_subcommand emulator" -l user-events -d 'Events of clients that handlers take which say nothing themselves [default: *]' -r
complete -c wps -n "__fish_wps_using_subcommand emulator" -l system-events -d 'The same for `connect`, `connected`, `disconnected` [default: all three]' -r
complete -c wps -n "__fish_wps_using_subcommand emulator" -l settings -d 'JSON file with handlers for each hub and the access key, as Microsoft\'s emulator reads it' -r -F
complete -c wps -n "__fish_wps_using_subcommand emulator" -l ca-cert -d 'PEM file with certificates of event handlers to trust besides the system\'s roots' -r -F
complete -c wps -n "__fish_wps_using_subcommand emulator" -s o -l output -d 'What stdout carries' -r -f -a "text\t'for people'
ndjson\t'one JSON object a line; the first is `listening`'"
complete -c wps -n "__fish_wps_using_subcommand emulator" -l exec -d 'Run CMD with the shell once ready, and end with it and its exit code' -r -f -a "(__fish_complete_command)"
complete -c wps -n "__fish_wps_using_subcommand emulator" -l log -d 'Write all traffic to FILE, as ndjson: sockets, every frame both ways, refusals; tokens redacted' -r -F
complete -c wps -n "__fish_wps_using_subcommand emulator" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand emulator" -l allow-anonymous -d 'Let clients in that have no token; they have no roles'
complete -c wps -n "__fish_wps_using_subcommand emulator" -l no-echo-events -d 'Have no handler for events: they are refused with `InternalServerError`'
complete -c wps -n "__fish_wps_using_subcommand emulator" -l insecure -d 'Accept any certificate of an event handler; for tests only'
complete -c wps -n "__fish_wps_using_subcommand emulator" -l exit-on-stdin-close -d 'End when stdin is closed, so that it never outlives the program that started it'
complete -c wps -n "__fish_wps_using_subcommand emulator" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand emulator" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand emulator" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand url; and not __fish_seen_subcommand_from create inspect help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand url; and not __fish_seen_subcommand_from create inspect help" -f -a "create" -d 'Make a client access URL from a connection string'
complete -c wps -n "__fish_wps_using_subcommand url; and not __fish_seen_subcommand_from create inspect help" -f -a "inspect" -d 'Explain a client access URL, and what is wrong with it'
complete -c wps -n "__fish_wps_using_subcommand url; and not __fish_seen_subcommand_from create inspect help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -l connection-string -d 'Connection string of the service; needs --hub; `-`, `@FILE`' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -l local -d 'The emulator on this machine [default PORT: 8080]' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -l profile -d 'Profile of the configuration file to use' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -l hub -d 'Hub to connect to [default with --local: hub1]' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -l user -d 'User id; anonymous when absent' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -l role -d 'Role, repeatable [default: join, leave and send everywhere]' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -l initial-group -d 'Group to be in from the start, repeatable; needs no role' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -l ttl -d 'How long each token is valid [default: 60m]' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -s g -l group -d 'The same as --initial-group' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -l not-before -d 'From when on the token is valid: a time such as `2030-01-01T12:00:00Z`, or so long from now; --ttl counts from then' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -l claim -d 'Further claim, repeatable; VALUE is JSON if it parses as such, else a string' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -s o -l output -d 'What stdout carries' -r -f -a "text\t'for people'
ndjson\t'one JSON object a line'"
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -l token-only -d 'Print the token alone'
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -l url -d 'Client access URL; `-`: stdin, `@FILE`: a file' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -l url-command -d 'Shell command that prints the URL' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -l connection-string -d 'Connection string of the service; needs --hub; `-`, `@FILE`' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -l local -d 'The emulator on this machine [default PORT: 8080]' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -l profile -d 'Profile of the configuration file to use' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -l hub -d 'Hub to connect to [default with --local: hub1]' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -l user -d 'User id; anonymous when absent' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -l role -d 'Role, repeatable [default: join, leave and send everywhere]' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -l initial-group -d 'Group to be in from the start, repeatable; needs no role' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -l ttl -d 'How long each token is valid [default: 60m]' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -l connect-timeout -d 'Limit of --url-command' -r
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -s o -l output -d 'What stdout carries' -r -f -a "text\t'for people'
ndjson\t'one JSON object a line'"
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a client access URL from a connection string'
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from help" -f -a "inspect" -d 'Explain a client access URL, and what is wrong with it'
complete -c wps -n "__fish_wps_using_subcommand url; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wps -n "__fish_wps_using_subcommand config; and not __fish_seen_subcommand_from path show check help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand config; and not __fish_seen_subcommand_from path show check help" -f -a "path" -d 'Print where the configuration file is, or would be'
complete -c wps -n "__fish_wps_using_subcommand config; and not __fish_seen_subcommand_from path show check help" -f -a "show" -d 'Print the settings that a profile, the environment and the defaults come to, without secrets'
complete -c wps -n "__fish_wps_using_subcommand config; and not __fish_seen_subcommand_from path show check help" -f -a "check" -d 'Check every profile: names, types, and whether what it refers to can be read'
complete -c wps -n "__fish_wps_using_subcommand config; and not __fish_seen_subcommand_from path show check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from path" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from path" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from path" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from show" -l profile -d 'Profile to show [default: `WPS_PROFILE`, else none]' -r
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from check" -l color -d 'When to use colour' -r -f -a "auto\t'on a terminal'
always\t'also into pipes and files'
never\t'nowhere'"
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Print errors only on stderr'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Say more: -v lifecycle, -vv frames, -vvv handshake'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "path" -d 'Print where the configuration file is, or would be'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print the settings that a profile, the environment and the defaults come to, without secrets'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check every profile: names, types, and whether what it refers to can be read'
complete -c wps -n "__fish_wps_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wps -n "__fish_wps_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand man" -l dir -d 'Directory to write to; made when missing; pages there are replaced' -r -f -a "(__fish_complete_directories)"
complete -c wps -n "__fish_wps_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "listen" -d 'Print what arrives: messages of the groups given, server messages, lifecycle'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "join" -d 'Join groups, report each ack, and exit; --stay holds the membership'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "send" -d 'Publish a message to a group'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "event" -d 'Send a custom event to the application server'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "repl" -d 'Join, send and look by hand, on one connection; also for scripts of such lines'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "replay" -d 'Send again what a recording holds'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "ping" -d 'Measure round trips of a connection, with statistics'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "doctor" -d 'Find out, step by step, why a connection does not work'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "emulator" -d 'Run a local Web PubSub service on this machine, for development and tests'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "url" -d 'Make client access URLs, and explain them'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "config" -d 'Show and check profiles: named sets of flags in a configuration file'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "completions" -d 'Print a completion script for a shell'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "man" -d 'Write the man pages'
complete -c wps -n "__fish_wps_using_subcommand help; and not __fish_seen_subcommand_from listen join send event repl replay ping doctor emulator url config completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wps -n "__fish_wps_using_subcommand help; and __fish_seen_subcommand_from url" -f -a "create" -d 'Make a client access URL from a connection string'
complete -c wps -n "__fish_wps_using_subcommand help; and __fish_seen_subcommand_from url" -f -a "inspect" -d 'Explain a client access URL, and what is wrong with it'
complete -c wps -n "__fish_wps_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "path" -d 'Print where the configuration file is, or would be'
complete -c wps -n "__fish_wps_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Print the settings that a profile, the environment and the defaults come to, without secrets'
complete -c wps -n "__fish_wps_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Check every profile: names, types, and whether what it refers to can be read'
