
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'wps' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'wps'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'wps' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Print what arrives: messages of the given groups, server messages, lifecycle events')
            [CompletionResult]::new('join', 'join', [CompletionResultType]::ParameterValue, 'Join groups, report each ack, and exit; --stay holds the membership')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Publish a message to a group')
            [CompletionResult]::new('event', 'event', [CompletionResultType]::ParameterValue, 'Send a custom event to the application server')
            [CompletionResult]::new('invoke', 'invoke', [CompletionResultType]::ParameterValue, 'Call the application server and print its answer')
            [CompletionResult]::new('stream', 'stream', [CompletionResultType]::ParameterValue, 'Publish stdin to a group as one stream, as it arrives')
            [CompletionResult]::new('repl', 'repl', [CompletionResultType]::ParameterValue, 'Join, send and look around by hand on one connection; also runs scripts')
            [CompletionResult]::new('replay', 'replay', [CompletionResultType]::ParameterValue, 'Send the messages of a recording again')
            [CompletionResult]::new('ping', 'ping', [CompletionResultType]::ParameterValue, 'Measure round trips of a connection, with statistics')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Measure throughput, latency and losses through a group')
            [CompletionResult]::new('state', 'state', [CompletionResultType]::ParameterValue, 'Set your state in a group, and see those of its members')
            [CompletionResult]::new('service', 'service', [CompletionResultType]::ParameterValue, 'Do what an application server does, through the REST API')
            [CompletionResult]::new('webhook', 'webhook', [CompletionResultType]::ParameterValue, 'Act as the service towards your event handler')
            [CompletionResult]::new('trace', 'trace', [CompletionResultType]::ParameterValue, 'Print the live trace of a resource, one line per event')
            [CompletionResult]::new('tunnel', 'tunnel', [CompletionResultType]::ParameterValue, 'Forward the events of a real hub to a server on this machine')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check a connection step by step, and say what is wrong with it')
            [CompletionResult]::new('emulator', 'emulator', [CompletionResultType]::ParameterValue, 'Run a local Web PubSub service on this machine, for development and tests')
            [CompletionResult]::new('url', 'url', [CompletionResultType]::ParameterValue, 'Make client access URLs, or explain them')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Manage profiles: named sets of flags in a configuration file')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of the records of -o ndjson')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Write the man pages')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;listen' {
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'Group to join, repeatable; without it, only server messages and messages of the token''s groups arrive')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Group to join, repeatable; without it, only server messages and messages of the token''s groups arrive')
            [CompletionResult]::new('--on-ready', '--on-ready', [CompletionResultType]::ParameterName, 'Shell command to run once all groups are joined; if it fails, the run ends with exit 12')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after N messages, exit 0')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'End after this time, exit 0')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'End when no message arrives for this time, exit 0')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'End at the first record that matches this jq expression, exit 0; it is the last one printed')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'End at the first record that matches this jq expression, exit 12; overrides --until')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--streams', '--streams', [CompletionResultType]::ParameterName, 'How to print group streams')
            [CompletionResult]::new('--stream-idle-timeout', '--stream-idle-timeout', [CompletionResultType]::ParameterName, 'A stream ends after this much silence')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Print only these records')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE, for `wps replay`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--session', '--session', [CompletionResultType]::ParameterName, 'Keep the connection in FILE, for the next run with it')
            [CompletionResult]::new('--states', '--states', [CompletionResultType]::ParameterName, 'Also print the states of the members of these groups')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Print the time before each message')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--no-rejoin', '--no-rejoin', [CompletionResultType]::ParameterName, 'Do not join the groups again on a new connection')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;join' {
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Print only these records')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE, for `wps replay`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--ack-id', '--ack-id', [CompletionResultType]::ParameterName, 'ackId of the first join, 0 to 18446744073709551615; further groups count up from it [default: 1]')
            [CompletionResult]::new('--session', '--session', [CompletionResultType]::ParameterName, 'Keep the connection in FILE, for the next run with it')
            [CompletionResult]::new('--stay', '--stay', [CompletionResultType]::ParameterName, 'Hold the membership until stopped, across reconnects')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Print the time before each message')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--no-rejoin', '--no-rejoin', [CompletionResultType]::ParameterName, 'Do not join the groups again on a new connection')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;send' {
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Send the contents of this file, byte for byte')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Type of the data')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Type of the data')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'Encoding of binary data, decoded before it is sent; spaces and line breaks are ignored')
            [CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Metadata to send with the data, as in `--metadata trace=42`; repeatable')
            [CompletionResult]::new('--message-ttl', '--message-ttl', [CompletionResultType]::ParameterName, 'Discard the message if it is not delivered within this time, from 1s to 5m [default: no limit]')
            [CompletionResult]::new('--repeat', '--repeat', [CompletionResultType]::ParameterName, 'Send the message N times')
            [CompletionResult]::new('--in-flight', '--in-flight', [CompletionResultType]::ParameterName, 'Maximum span from the oldest unacknowledged message to the newest one sent, 1 to 1000 [default: 256]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Send at most this many messages a second, evenly spaced: `100`, `100/s`, `30/m`, `5/h`')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Print only these records')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE, for `wps replay`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--ack-id', '--ack-id', [CompletionResultType]::ParameterName, 'ackId of the message, 0 to 18446744073709551615 [default: 1]')
            [CompletionResult]::new('--on-unknown', '--on-unknown', [CompletionResultType]::ParameterName, 'What to do if the connection is lost for good before the ack')
            [CompletionResult]::new('--session', '--session', [CompletionResultType]::ParameterName, 'Keep the connection in FILE, for the next run with it')
            [CompletionResult]::new('--no-echo', '--no-echo', [CompletionResultType]::ParameterName, 'Do not deliver the message to the connection that sends it')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Send each line of stdin as a message, as soon as it is read')
            [CompletionResult]::new('--ndjson', '--ndjson', [CompletionResultType]::ParameterName, 'Send each JSON record of stdin as a message: {"data":…,"dataType":…,"group":…} (for events: "event")')
            [CompletionResult]::new('--keep-going', '--keep-going', [CompletionResultType]::ParameterName, 'Continue after a line that cannot be sent or is refused; the exit code is that of the first failure')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Print the time before each message')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--no-ack', '--no-ack', [CompletionResultType]::ParameterName, 'Fire and forget: ask for no ack; a refusal goes unnoticed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;event' {
            [CompletionResult]::new('--wait-reply', '--wait-reply', [CompletionResultType]::ParameterName, 'Print N server messages in answer, then exit [default N: 1]')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Wait for a record that matches this jq expression, instead of a number of answers; else exit 12')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Send the contents of this file, byte for byte')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Type of the data')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Type of the data')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'Encoding of binary data, decoded before it is sent; spaces and line breaks are ignored')
            [CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Metadata to send with the data, as in `--metadata trace=42`; repeatable')
            [CompletionResult]::new('--repeat', '--repeat', [CompletionResultType]::ParameterName, 'Send the message N times')
            [CompletionResult]::new('--in-flight', '--in-flight', [CompletionResultType]::ParameterName, 'Maximum span from the oldest unacknowledged message to the newest one sent, 1 to 1000 [default: 256]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Send at most this many messages a second, evenly spaced: `100`, `100/s`, `30/m`, `5/h`')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Print only these records')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE, for `wps replay`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--ack-id', '--ack-id', [CompletionResultType]::ParameterName, 'ackId of the message, 0 to 18446744073709551615 [default: 1]')
            [CompletionResult]::new('--on-unknown', '--on-unknown', [CompletionResultType]::ParameterName, 'What to do if the connection is lost for good before the ack')
            [CompletionResult]::new('--session', '--session', [CompletionResultType]::ParameterName, 'Keep the connection in FILE, for the next run with it')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Send each line of stdin as a message, as soon as it is read')
            [CompletionResult]::new('--ndjson', '--ndjson', [CompletionResultType]::ParameterName, 'Send each JSON record of stdin as a message: {"data":…,"dataType":…,"group":…} (for events: "event")')
            [CompletionResult]::new('--keep-going', '--keep-going', [CompletionResultType]::ParameterName, 'Continue after a line that cannot be sent or is refused; the exit code is that of the first failure')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Print the time before each message')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--no-ack', '--no-ack', [CompletionResultType]::ParameterName, 'Fire and forget: ask for no ack; a refusal goes unnoticed')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;invoke' {
            [CompletionResult]::new('--invocation-id', '--invocation-id', [CompletionResultType]::ParameterName, 'The invocationId, any text [default: 1]')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Send the contents of this file, byte for byte')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Type of the data')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Type of the data')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'Encoding of binary data, decoded before it is sent; spaces and line breaks are ignored')
            [CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Metadata to send with the data, as in `--metadata trace=42`; repeatable')
            [CompletionResult]::new('--in-flight', '--in-flight', [CompletionResultType]::ParameterName, 'Maximum number of pending calls, 1 to 1000 [default: 256]')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Print only these records')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE, for `wps replay`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--on-unknown', '--on-unknown', [CompletionResultType]::ParameterName, 'What to do if the connection is lost for good before the ack')
            [CompletionResult]::new('--session', '--session', [CompletionResultType]::ParameterName, 'Keep the connection in FILE, for the next run with it')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Invoke once for each line of stdin, as soon as it is read')
            [CompletionResult]::new('--ndjson', '--ndjson', [CompletionResultType]::ParameterName, 'Invoke once for each JSON record of stdin: {"data":…,"dataType":…,"event":…,"metadata":{…}}')
            [CompletionResult]::new('--keep-going', '--keep-going', [CompletionResultType]::ParameterName, 'Continue after a line that cannot be sent, is refused or fails; the exit code is that of the first failure')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Print the time before each message')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;stream' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Type of the data: text, cut between characters; binary, as it comes; json, only with --lines')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Type of the data: text, cut between characters; binary, as it comes; json, only with --lines')
            [CompletionResult]::new('--stream-id', '--stream-id', [CompletionResultType]::ParameterName, 'Id of the stream, at most 1024 bytes [default: random]')
            [CompletionResult]::new('--stream-idle-timeout', '--stream-idle-timeout', [CompletionResultType]::ParameterName, 'The service ends the stream after this time without data; it is kept alive while stdin is silent [default: 5m]')
            [CompletionResult]::new('--buffer', '--buffer', [CompletionResultType]::ParameterName, 'Hold at most this much unacknowledged data before reading more of stdin: `500`, `64k`, `2M`')
            [CompletionResult]::new('--end-error', '--end-error', [CompletionResultType]::ParameterName, 'End the stream as failed, with this code for programs and this message for people; exit 0')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Print only these records')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE, for `wps replay`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Make each line of stdin a fragment, including its line end')
            [CompletionResult]::new('--ndjson', '--ndjson', [CompletionResultType]::ParameterName, 'Make each JSON record of stdin a fragment: {"data":…,"dataType":…}')
            [CompletionResult]::new('--no-echo', '--no-echo', [CompletionResultType]::ParameterName, 'Do not deliver the stream to the connection that publishes it')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Print the time before each message')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;repl' {
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Read the lines from this file, as a script; without it, from stdin if that is not a terminal')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Print only these records')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE, for `wps replay`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--on-unknown', '--on-unknown', [CompletionResultType]::ParameterName, 'What to do if the connection is lost for good before the ack')
            [CompletionResult]::new('--keep-going', '--keep-going', [CompletionResultType]::ParameterName, 'Continue after a line that fails; the exit code is that of the first failure')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Print the time before each message')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--no-rejoin', '--no-rejoin', [CompletionResultType]::ParameterName, 'Do not join the groups again on a new connection')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;replay' {
            [CompletionResult]::new('--speed', '--speed', [CompletionResultType]::ParameterName, 'Speed: `2x`, or `0.5` for half the original speed, or `max`, as fast as acks come in')
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'Publish to this group instead of the original ones')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Publish to this group instead of the original ones')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Print only these records')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE, for `wps replay`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--on-unknown', '--on-unknown', [CompletionResultType]::ParameterName, 'What to do if the connection is lost for good before the ack')
            [CompletionResult]::new('--received', '--received', [CompletionResultType]::ParameterName, 'Publish what was received, instead of what was sent')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the frames, one per line, and send nothing; needs no connection')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Print the time before each message')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;ping' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'End after N pings and their answers [default: 5; at a terminal: unlimited]')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after N pings and their answers [default: 5; at a terminal: unlimited]')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Time between pings, whether or not they are answered')
            [CompletionResult]::new('--interval', '--interval', [CompletionResultType]::ParameterName, 'Time between pings, whether or not they are answered')
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'Send messages to this group and wait for them to come back, instead of the protocol''s ping')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Send messages to this group and wait for them to come back, instead of the protocol''s ping')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'End at the first record that matches this jq expression, exit 0; it is the last one printed')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'End at the first record that matches this jq expression, exit 12; overrides --until')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Print only these records')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE, for `wps replay`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Print the time before each message')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;bench' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('pub', 'pub', [CompletionResultType]::ParameterValue, 'Publish to a group on a schedule, and time the acks')
            [CompletionResult]::new('sub', 'sub', [CompletionResultType]::ParameterValue, 'Subscribe to a group, and time what other runs publish to it')
            [CompletionResult]::new('pubsub', 'pubsub', [CompletionResultType]::ParameterValue, 'Publish and subscribe, and time each message from sender to receiver')
            [CompletionResult]::new('compare', 'compare', [CompletionResultType]::ParameterValue, 'Compare two runs, with a verdict where they differ by more than chance')
            [CompletionResult]::new('merge', 'merge', [CompletionResultType]::ParameterValue, 'Add up the runs of several machines')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;bench;pub' {
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'Group to send the messages through')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Group to send the messages through')
            [CompletionResult]::new('--groups', '--groups', [CompletionResultType]::ParameterName, 'Spread the load over this many groups: G-1, G-2, …')
            [CompletionResult]::new('--connections', '--connections', [CompletionResultType]::ParameterName, 'Connections to open [default: one for each publisher and subscriber]')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Duration of the load, once all are connected and the ramp is over [default: 10s]')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Instead of a duration: messages per publisher; for `sub`: messages per subscriber')
            [CompletionResult]::new('--ramp', '--ramp', [CompletionResultType]::ParameterName, 'Time over which connections are opened, and then over which the rate rises from zero; not measured')
            [CompletionResult]::new('--drain', '--drain', [CompletionResultType]::ParameterName, 'Maximum wait at the end for acks and messages in flight')
            [CompletionResult]::new('--run', '--run', [CompletionResultType]::ParameterName, 'Id of the run, carried by its messages [default: random; for `sub`: any run]')
            [CompletionResult]::new('--publishers', '--publishers', [CompletionResultType]::ParameterName, 'Number of publishers')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Messages a second of all publishers together, as `100/s` or `30/m`; `max`: as fast as acks come in')
            [CompletionResult]::new('--size', '--size', [CompletionResultType]::ParameterName, 'Bytes per message, or `FROM-TO` for varying sizes')
            [CompletionResult]::new('--in-flight', '--in-flight', [CompletionResultType]::ParameterName, 'Messages in flight per publisher: the span from the oldest without an ack to the newest')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Seed for sizes and contents [default: random]')
            [CompletionResult]::new('--publisher-offset', '--publisher-offset', [CompletionResultType]::ParameterName, 'Number of the first publisher, if other machines have the ones before it')
            [CompletionResult]::new('--histogram', '--histogram', [CompletionResultType]::ParameterName, 'Write the histograms to FILE, one per second, as a HdrHistogram V2 log')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write an HTML report to FILE: rate, latency and losses over time, and the percentile curve')
            [CompletionResult]::new('--fail-if', '--fail-if', [CompletionResultType]::ParameterName, 'Exit 12 if this jq expression over the `bench` record is true; repeatable')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Allow more than 20 connections or 1000 messages a second to a service on another machine')
            [CompletionResult]::new('--csv', '--csv', [CompletionResultType]::ParameterName, 'Print the results as CSV: a header line and a line of values')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;bench;sub' {
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'Group to send the messages through')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Group to send the messages through')
            [CompletionResult]::new('--groups', '--groups', [CompletionResultType]::ParameterName, 'Spread the load over this many groups: G-1, G-2, …')
            [CompletionResult]::new('--connections', '--connections', [CompletionResultType]::ParameterName, 'Connections to open [default: one for each publisher and subscriber]')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Duration of the load, once all are connected and the ramp is over [default: 10s]')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Instead of a duration: messages per publisher; for `sub`: messages per subscriber')
            [CompletionResult]::new('--ramp', '--ramp', [CompletionResultType]::ParameterName, 'Time over which connections are opened, and then over which the rate rises from zero; not measured')
            [CompletionResult]::new('--drain', '--drain', [CompletionResultType]::ParameterName, 'Maximum wait at the end for acks and messages in flight')
            [CompletionResult]::new('--run', '--run', [CompletionResultType]::ParameterName, 'Id of the run, carried by its messages [default: random; for `sub`: any run]')
            [CompletionResult]::new('--subscribers', '--subscribers', [CompletionResultType]::ParameterName, 'Number of subscribers; each gets every message of its group')
            [CompletionResult]::new('--histogram', '--histogram', [CompletionResultType]::ParameterName, 'Write the histograms to FILE, one per second, as a HdrHistogram V2 log')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write an HTML report to FILE: rate, latency and losses over time, and the percentile curve')
            [CompletionResult]::new('--fail-if', '--fail-if', [CompletionResultType]::ParameterName, 'Exit 12 if this jq expression over the `bench` record is true; repeatable')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Allow more than 20 connections or 1000 messages a second to a service on another machine')
            [CompletionResult]::new('--csv', '--csv', [CompletionResultType]::ParameterName, 'Print the results as CSV: a header line and a line of values')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;bench;pubsub' {
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'Group to send the messages through')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Group to send the messages through')
            [CompletionResult]::new('--groups', '--groups', [CompletionResultType]::ParameterName, 'Spread the load over this many groups: G-1, G-2, …')
            [CompletionResult]::new('--connections', '--connections', [CompletionResultType]::ParameterName, 'Connections to open [default: one for each publisher and subscriber]')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Duration of the load, once all are connected and the ramp is over [default: 10s]')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Instead of a duration: messages per publisher; for `sub`: messages per subscriber')
            [CompletionResult]::new('--ramp', '--ramp', [CompletionResultType]::ParameterName, 'Time over which connections are opened, and then over which the rate rises from zero; not measured')
            [CompletionResult]::new('--drain', '--drain', [CompletionResultType]::ParameterName, 'Maximum wait at the end for acks and messages in flight')
            [CompletionResult]::new('--run', '--run', [CompletionResultType]::ParameterName, 'Id of the run, carried by its messages [default: random; for `sub`: any run]')
            [CompletionResult]::new('--publishers', '--publishers', [CompletionResultType]::ParameterName, 'Number of publishers')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Messages a second of all publishers together, as `100/s` or `30/m`; `max`: as fast as acks come in')
            [CompletionResult]::new('--size', '--size', [CompletionResultType]::ParameterName, 'Bytes per message, or `FROM-TO` for varying sizes')
            [CompletionResult]::new('--in-flight', '--in-flight', [CompletionResultType]::ParameterName, 'Messages in flight per publisher: the span from the oldest without an ack to the newest')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Seed for sizes and contents [default: random]')
            [CompletionResult]::new('--publisher-offset', '--publisher-offset', [CompletionResultType]::ParameterName, 'Number of the first publisher, if other machines have the ones before it')
            [CompletionResult]::new('--subscribers', '--subscribers', [CompletionResultType]::ParameterName, 'Number of subscribers; each gets every message of its group')
            [CompletionResult]::new('--histogram', '--histogram', [CompletionResultType]::ParameterName, 'Write the histograms to FILE, one per second, as a HdrHistogram V2 log')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write an HTML report to FILE: rate, latency and losses over time, and the percentile curve')
            [CompletionResult]::new('--fail-if', '--fail-if', [CompletionResultType]::ParameterName, 'Exit 12 if this jq expression over the `bench` record is true; repeatable')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Allow more than 20 connections or 1000 messages a second to a service on another machine')
            [CompletionResult]::new('--csv', '--csv', [CompletionResultType]::ParameterName, 'Print the results as CSV: a header line and a line of values')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;bench;compare' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;bench;merge' {
            [CompletionResult]::new('--histogram', '--histogram', [CompletionResultType]::ParameterName, 'Write the histograms of all runs to FILE, as a HdrHistogram V2 log')
            [CompletionResult]::new('--fail-if', '--fail-if', [CompletionResultType]::ParameterName, 'Exit 12 if this jq expression over the `bench` record is true; repeatable')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--csv', '--csv', [CompletionResultType]::ParameterName, 'Print the results as CSV: a header line and a line of values')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;bench;help' {
            [CompletionResult]::new('pub', 'pub', [CompletionResultType]::ParameterValue, 'Publish to a group on a schedule, and time the acks')
            [CompletionResult]::new('sub', 'sub', [CompletionResultType]::ParameterValue, 'Subscribe to a group, and time what other runs publish to it')
            [CompletionResult]::new('pubsub', 'pubsub', [CompletionResultType]::ParameterValue, 'Publish and subscribe, and time each message from sender to receiver')
            [CompletionResult]::new('compare', 'compare', [CompletionResultType]::ParameterValue, 'Compare two runs, with a verdict where they differ by more than chance')
            [CompletionResult]::new('merge', 'merge', [CompletionResultType]::ParameterValue, 'Add up the runs of several machines')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;bench;help;pub' {
            break
        }
        'wps;bench;help;sub' {
            break
        }
        'wps;bench;help;pubsub' {
            break
        }
        'wps;bench;help;compare' {
            break
        }
        'wps;bench;help;merge' {
            break
        }
        'wps;bench;help;help' {
            break
        }
        'wps;state' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set this connection''s state in a group, for as long as the command runs')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Print the states of the members of a group, and exit')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Print the states of the members of a group, and each change')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;state;set' {
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'End after this time, exit 0')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Print only these records')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE, for `wps replay`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--session', '--session', [CompletionResultType]::ParameterName, 'Keep the connection in FILE, for the next run with it')
            [CompletionResult]::new('--clear', '--clear', [CompletionResultType]::ParameterName, 'Clear the state, and exit')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Print the time before each message')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--no-rejoin', '--no-rejoin', [CompletionResultType]::ParameterName, 'Do not join the groups again on a new connection')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;state;list' {
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Print only these records')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE, for `wps replay`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Print the time before each message')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;state;watch' {
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'End after this time, exit 0')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'End at the first record that matches this jq expression, exit 0; it is the last one printed')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'End at the first record that matches this jq expression, exit 12; overrides --until')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries per operation, with the same ackId')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its ack')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Print only these records')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE, for `wps replay`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Print the time before each message')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--no-rejoin', '--no-rejoin', [CompletionResultType]::ParameterName, 'Do not join the groups again on a new connection')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;state;help' {
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set this connection''s state in a group, for as long as the command runs')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Print the states of the members of a group, and exit')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Print the states of the members of a group, and each change')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;state;help;set' {
            break
        }
        'wps;state;help;list' {
            break
        }
        'wps;state;help;watch' {
            break
        }
        'wps;state;help;help' {
            break
        }
        'wps;service' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send a message to all connections, a group, a user or a connection')
            [CompletionResult]::new('connections', 'connections', [CompletionResultType]::ParameterValue, 'List the connections in a group, one per line')
            [CompletionResult]::new('exists', 'exists', [CompletionResultType]::ParameterValue, 'Check whether a connection, group or user exists, or whether a connection is in a group; exit 0: yes, 12: no')
            [CompletionResult]::new('close', 'close', [CompletionResultType]::ParameterValue, 'Close a connection, those of a group or a user, or all')
            [CompletionResult]::new('group', 'group', [CompletionResultType]::ParameterValue, 'Add connections to a group, or remove them')
            [CompletionResult]::new('permission', 'permission', [CompletionResultType]::ParameterValue, 'Grant, revoke or check a permission of a connection')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Check whether the service is healthy')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;service;send' {
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'To the connections in this group')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'To the connections in this group')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'To the connections of this user')
            [CompletionResult]::new('--connection', '--connection', [CompletionResultType]::ParameterName, 'To this connection')
            [CompletionResult]::new('--filter', '--filter', [CompletionResultType]::ParameterName, 'Of these, only connections that match the OData filter')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'Not to this connection, repeatable; with --all and --group')
            [CompletionResult]::new('--message-ttl', '--message-ttl', [CompletionResultType]::ParameterName, 'How long the service keeps the message for connections that have dropped for a moment, up to 300s')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Send the contents of this file, byte for byte')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Type of the data')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Type of the data')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'Encoding of binary data, decoded before it is sent; spaces and line breaks are ignored')
            [CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Metadata to send with the data, as in `--metadata trace=42`; repeatable')
            [CompletionResult]::new('--in-flight', '--in-flight', [CompletionResultType]::ParameterName, 'Maximum number of lines in flight, 1 to 256 [default: 1]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Send at most this many messages a second, evenly spaced: `100`, `100/s`, `30/m`, `5/h`')
            [CompletionResult]::new('--on-unknown', '--on-unknown', [CompletionResultType]::ParameterName, 'What to do if the connection is lost for good before the ack')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub on the service [default with --local: hub1]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each attempt to connect')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries of a request')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its answer')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'To all connections of the hub')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Send each line of stdin as a message, as soon as it is read')
            [CompletionResult]::new('--keep-going', '--keep-going', [CompletionResultType]::ParameterName, 'Continue after a line that cannot be sent or is refused; the exit code is that of the first failure')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;service;connections' {
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'The group')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'List at most this many')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub on the service [default with --local: hub1]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each attempt to connect')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries of a request')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its answer')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;service;exists' {
            [CompletionResult]::new('--connection', '--connection', [CompletionResultType]::ParameterName, 'This connection')
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'Any connection in this group')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Any connection in this group')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Any connection of this user')
            [CompletionResult]::new('--member', '--member', [CompletionResultType]::ParameterName, 'This connection in --group; found by listing the members')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub on the service [default with --local: hub1]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each attempt to connect')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries of a request')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its answer')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;service;close' {
            [CompletionResult]::new('--connection', '--connection', [CompletionResultType]::ParameterName, 'This connection')
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'All connections in this group')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'All connections in this group')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'All connections of this user')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Reason given to the clients')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'Not this connection, repeatable; with --all, --group and --user')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub on the service [default with --local: hub1]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each attempt to connect')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries of a request')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its answer')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All connections of the hub')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;service;group' {
            [CompletionResult]::new('--connection', '--connection', [CompletionResultType]::ParameterName, 'This connection')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'All current connections of this user')
            [CompletionResult]::new('--filter', '--filter', [CompletionResultType]::ParameterName, 'All connections that match the OData filter; with add and remove')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub on the service [default with --local: hub1]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each attempt to connect')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries of a request')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its answer')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;service;permission' {
            [CompletionResult]::new('--connection', '--connection', [CompletionResultType]::ParameterName, 'The connection')
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'For this group')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'For this group')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub on the service [default with --local: hub1]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each attempt to connect')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries of a request')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its answer')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;service;health' {
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub on the service [default with --local: hub1]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each attempt to connect')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retries of a request')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Pause before the first retry [default: 800ms]')
            [CompletionResult]::new('--retry-max-delay', '--retry-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between retries [default: 120s]')
            [CompletionResult]::new('--retry-mode', '--retry-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'How long each attempt waits for its answer')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;service;help' {
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send a message to all connections, a group, a user or a connection')
            [CompletionResult]::new('connections', 'connections', [CompletionResultType]::ParameterValue, 'List the connections in a group, one per line')
            [CompletionResult]::new('exists', 'exists', [CompletionResultType]::ParameterValue, 'Check whether a connection, group or user exists, or whether a connection is in a group; exit 0: yes, 12: no')
            [CompletionResult]::new('close', 'close', [CompletionResultType]::ParameterValue, 'Close a connection, those of a group or a user, or all')
            [CompletionResult]::new('group', 'group', [CompletionResultType]::ParameterValue, 'Add connections to a group, or remove them')
            [CompletionResult]::new('permission', 'permission', [CompletionResultType]::ParameterValue, 'Grant, revoke or check a permission of a connection')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Check whether the service is healthy')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;service;help;send' {
            break
        }
        'wps;service;help;connections' {
            break
        }
        'wps;service;help;exists' {
            break
        }
        'wps;service;help;close' {
            break
        }
        'wps;service;help;group' {
            break
        }
        'wps;service;help;permission' {
            break
        }
        'wps;service;help;health' {
            break
        }
        'wps;service;help;help' {
            break
        }
        'wps;webhook' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Send everything that the service sends to a handler, step by step')
            [CompletionResult]::new('validate', 'validate', [CompletionResultType]::ParameterValue, 'Ask whether the handler accepts events: OPTIONS, abuse protection')
            [CompletionResult]::new('connect', 'connect', [CompletionResultType]::ParameterValue, 'Ask whether a client may connect')
            [CompletionResult]::new('event', 'event', [CompletionResultType]::ParameterValue, 'Send an event of a client, and print the answer')
            [CompletionResult]::new('connected', 'connected', [CompletionResultType]::ParameterValue, 'Report that a client has connected')
            [CompletionResult]::new('disconnected', 'disconnected', [CompletionResultType]::ParameterValue, 'Report that a connection has ended')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;webhook;test' {
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub of the events')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id of the client; without it the user is anonymous')
            [CompletionResult]::new('--connection-id', '--connection-id', [CompletionResultType]::ParameterName, 'Connection id of the client [default: generated]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State of the connection, as set by an earlier answer in `ce-connectionState`')
            [CompletionResult]::new('--claim', '--claim', [CompletionResultType]::ParameterName, 'Claim of the client''s token, repeatable')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'Parameter of the client''s URL, repeatable')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Subprotocol that the client offers and uses')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Host name of the service')
            [CompletionResult]::new('--access-key', '--access-key', [CompletionResultType]::ParameterName, 'Access key for `ce-signature`, repeatable, one signature per key; `-`, `@FILE` [default: the emulator''s]')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string, for both host and key; `-`, `@FILE`')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Additional header of the request, or replacement for one of the service''s; repeatable; `-`, `@FILE`')
            [CompletionResult]::new('--handler-timeout', '--handler-timeout', [CompletionResultType]::ParameterName, 'Time limit for an answer')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--event', '--event', [CompletionResultType]::ParameterName, 'Name of the event to send')
            [CompletionResult]::new('--data', '--data', [CompletionResultType]::ParameterName, 'Text to send with it')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;webhook;validate' {
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub of the events')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id of the client; without it the user is anonymous')
            [CompletionResult]::new('--connection-id', '--connection-id', [CompletionResultType]::ParameterName, 'Connection id of the client [default: generated]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State of the connection, as set by an earlier answer in `ce-connectionState`')
            [CompletionResult]::new('--claim', '--claim', [CompletionResultType]::ParameterName, 'Claim of the client''s token, repeatable')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'Parameter of the client''s URL, repeatable')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Subprotocol that the client offers and uses')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Host name of the service')
            [CompletionResult]::new('--access-key', '--access-key', [CompletionResultType]::ParameterName, 'Access key for `ce-signature`, repeatable, one signature per key; `-`, `@FILE` [default: the emulator''s]')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string, for both host and key; `-`, `@FILE`')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Additional header of the request, or replacement for one of the service''s; repeatable; `-`, `@FILE`')
            [CompletionResult]::new('--handler-timeout', '--handler-timeout', [CompletionResultType]::ParameterName, 'Time limit for an answer')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;webhook;connect' {
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub of the events')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id of the client; without it the user is anonymous')
            [CompletionResult]::new('--connection-id', '--connection-id', [CompletionResultType]::ParameterName, 'Connection id of the client [default: generated]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State of the connection, as set by an earlier answer in `ce-connectionState`')
            [CompletionResult]::new('--claim', '--claim', [CompletionResultType]::ParameterName, 'Claim of the client''s token, repeatable')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'Parameter of the client''s URL, repeatable')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Subprotocol that the client offers and uses')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Host name of the service')
            [CompletionResult]::new('--access-key', '--access-key', [CompletionResultType]::ParameterName, 'Access key for `ce-signature`, repeatable, one signature per key; `-`, `@FILE` [default: the emulator''s]')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string, for both host and key; `-`, `@FILE`')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Additional header of the request, or replacement for one of the service''s; repeatable; `-`, `@FILE`')
            [CompletionResult]::new('--handler-timeout', '--handler-timeout', [CompletionResultType]::ParameterName, 'Time limit for an answer')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;webhook;event' {
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub of the events')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id of the client; without it the user is anonymous')
            [CompletionResult]::new('--connection-id', '--connection-id', [CompletionResultType]::ParameterName, 'Connection id of the client [default: generated]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State of the connection, as set by an earlier answer in `ce-connectionState`')
            [CompletionResult]::new('--claim', '--claim', [CompletionResultType]::ParameterName, 'Claim of the client''s token, repeatable')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'Parameter of the client''s URL, repeatable')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Subprotocol that the client offers and uses')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Host name of the service')
            [CompletionResult]::new('--access-key', '--access-key', [CompletionResultType]::ParameterName, 'Access key for `ce-signature`, repeatable, one signature per key; `-`, `@FILE` [default: the emulator''s]')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string, for both host and key; `-`, `@FILE`')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Additional header of the request, or replacement for one of the service''s; repeatable; `-`, `@FILE`')
            [CompletionResult]::new('--handler-timeout', '--handler-timeout', [CompletionResultType]::ParameterName, 'Time limit for an answer')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Send the contents of this file, byte for byte')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Type of the data')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Type of the data')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'Encoding of binary data, decoded before it is sent; spaces and line breaks are ignored')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;webhook;connected' {
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub of the events')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id of the client; without it the user is anonymous')
            [CompletionResult]::new('--connection-id', '--connection-id', [CompletionResultType]::ParameterName, 'Connection id of the client [default: generated]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State of the connection, as set by an earlier answer in `ce-connectionState`')
            [CompletionResult]::new('--claim', '--claim', [CompletionResultType]::ParameterName, 'Claim of the client''s token, repeatable')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'Parameter of the client''s URL, repeatable')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Subprotocol that the client offers and uses')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Host name of the service')
            [CompletionResult]::new('--access-key', '--access-key', [CompletionResultType]::ParameterName, 'Access key for `ce-signature`, repeatable, one signature per key; `-`, `@FILE` [default: the emulator''s]')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string, for both host and key; `-`, `@FILE`')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Additional header of the request, or replacement for one of the service''s; repeatable; `-`, `@FILE`')
            [CompletionResult]::new('--handler-timeout', '--handler-timeout', [CompletionResultType]::ParameterName, 'Time limit for an answer')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;webhook;disconnected' {
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub of the events')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id of the client; without it the user is anonymous')
            [CompletionResult]::new('--connection-id', '--connection-id', [CompletionResultType]::ParameterName, 'Connection id of the client [default: generated]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State of the connection, as set by an earlier answer in `ce-connectionState`')
            [CompletionResult]::new('--claim', '--claim', [CompletionResultType]::ParameterName, 'Claim of the client''s token, repeatable')
            [CompletionResult]::new('--query', '--query', [CompletionResultType]::ParameterName, 'Parameter of the client''s URL, repeatable')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Subprotocol that the client offers and uses')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Host name of the service')
            [CompletionResult]::new('--access-key', '--access-key', [CompletionResultType]::ParameterName, 'Access key for `ce-signature`, repeatable, one signature per key; `-`, `@FILE` [default: the emulator''s]')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string, for both host and key; `-`, `@FILE`')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Additional header of the request, or replacement for one of the service''s; repeatable; `-`, `@FILE`')
            [CompletionResult]::new('--handler-timeout', '--handler-timeout', [CompletionResultType]::ParameterName, 'Time limit for an answer')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why the connection has ended')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;webhook;help' {
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Send everything that the service sends to a handler, step by step')
            [CompletionResult]::new('validate', 'validate', [CompletionResultType]::ParameterValue, 'Ask whether the handler accepts events: OPTIONS, abuse protection')
            [CompletionResult]::new('connect', 'connect', [CompletionResultType]::ParameterValue, 'Ask whether a client may connect')
            [CompletionResult]::new('event', 'event', [CompletionResultType]::ParameterValue, 'Send an event of a client, and print the answer')
            [CompletionResult]::new('connected', 'connected', [CompletionResultType]::ParameterValue, 'Report that a client has connected')
            [CompletionResult]::new('disconnected', 'disconnected', [CompletionResultType]::ParameterValue, 'Report that a connection has ended')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;webhook;help;test' {
            break
        }
        'wps;webhook;help;validate' {
            break
        }
        'wps;webhook;help;connect' {
            break
        }
        'wps;webhook;help;event' {
            break
        }
        'wps;webhook;help;connected' {
            break
        }
        'wps;webhook;help;disconnected' {
            break
        }
        'wps;webhook;help;help' {
            break
        }
        'wps;trace' {
            [CompletionResult]::new('--level', '--level', [CompletionResultType]::ParameterName, 'Only traces of this level and above')
            [CompletionResult]::new('--event', '--event', [CompletionResultType]::ParameterName, 'Only traces of this event, by name or number; repeatable')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Only traces of this hub [default: all hubs, and traces without a hub]')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'End after N traces, exit 0')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after N traces, exit 0')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'End after this time, exit 0')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'End at the first record that matches this jq expression, exit 0; it is the last one printed')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'End at the first record that matches this jq expression, exit 12; overrides --until')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;tunnel' {
            [CompletionResult]::new('--upstream', '--upstream', [CompletionResultType]::ParameterName, 'Server that gets the events, as in `http://localhost:3000`')
            [CompletionResult]::new('--upstream-timeout', '--upstream-timeout', [CompletionResultType]::ParameterName, 'Time limit for an answer of the upstream; after that the event is answered with 502')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Path at which to ask the upstream first whether it accepts events; `{hub}` is filled in')
            [CompletionResult]::new('--connections', '--connections', [CompletionResultType]::ParameterName, 'Initial number of tunnel connections, 1 to 16; the service may ask for more')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub whose events to receive [default with --local: hub1]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--reconnect-retries', '--reconnect-retries', [CompletionResultType]::ParameterName, 'Fresh attempts after a failed one')
            [CompletionResult]::new('--reconnect-delay', '--reconnect-delay', [CompletionResultType]::ParameterName, 'Pause before the first fresh attempt [default: 1s]')
            [CompletionResult]::new('--reconnect-max-delay', '--reconnect-max-delay', [CompletionResultType]::ParameterName, 'Longest pause between fresh attempts [default: 30s]')
            [CompletionResult]::new('--reconnect-mode', '--reconnect-mode', [CompletionResultType]::ParameterName, 'How the pause grows')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this much silence; 0: never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give up after this much silence; 0: never')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--jq', '--jq', [CompletionResultType]::ParameterName, 'Print the results of this jq expression; implies -o ndjson')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Record every frame in FILE')
            [CompletionResult]::new('--upstream-insecure', '--upstream-insecure', [CompletionResultType]::ParameterName, 'Accept any certificate of the upstream; for tests only')
            [CompletionResult]::new('--no-check', '--no-check', [CompletionResultType]::ParameterName, 'Skip this check')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--no-reconnect', '--no-reconnect', [CompletionResultType]::ParameterName, 'The same as --reconnect-retries 0')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('--raw-output', '--raw-output', [CompletionResultType]::ParameterName, 'Print strings without quotes and escapes')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;doctor' {
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'Group to test: joined, sent one message, and left [default: one of its own, wps-doctor-…]')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Group to test: joined, sent one message, and left [default: one of its own, wps-doctor-…]')
            [CompletionResult]::new('--ack-timeout', '--ack-timeout', [CompletionResultType]::ParameterName, 'Time limit for each of join, send, receive, ping and leave')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'Subprotocol to speak')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of each fresh attempt to connect')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, counted from the start of the process; exit 124 if nothing else ended the run')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;emulator' {
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Port to listen on; 0 picks a free one')
            [CompletionResult]::new('--bind', '--bind', [CompletionResultType]::ParameterName, 'Address to listen on; `localhost` means both loopback addresses, ::1 and 127.0.0.1')
            [CompletionResult]::new('--advertise', '--advertise', [CompletionResultType]::ParameterName, 'Endpoint that clients use, if different from the one listened on, e.g. behind a proxy or in a container')
            [CompletionResult]::new('--access-key', '--access-key', [CompletionResultType]::ParameterName, 'Access key for signing tokens; `-` reads it from stdin, `@FILE` from a file [default: the published key]')
            [CompletionResult]::new('--allow-origin', '--allow-origin', [CompletionResultType]::ParameterName, 'Origin of web pages allowed to use the emulator, besides this machine''s: `https://app.example` or `*`; repeatable')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'PEM file with a certificate and its issuers: serve only https and wss')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --tls-cert, not encrypted')
            [CompletionResult]::new('--fault', '--fault', [CompletionResultType]::ParameterName, 'Fault to inject, e.g. `nack=InternalServerError,op=sendToGroup,times=2`; `help` lists them all')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Seed for random choices: those of faults, connection ids and reconnection tokens')
            [CompletionResult]::new('--event-handler', '--event-handler', [CompletionResultType]::ParameterName, 'Event handler (webhook) of every hub: URL[,user-events=LIST][,system-events=LIST]; repeatable')
            [CompletionResult]::new('--user-events', '--user-events', [CompletionResultType]::ParameterName, 'User events for handlers that do not list any [default: *]')
            [CompletionResult]::new('--system-events', '--system-events', [CompletionResultType]::ParameterName, 'The same for `connect`, `connected`, `joined`, `left`, `disconnected` [default: all but the two about groups]')
            [CompletionResult]::new('--settings', '--settings', [CompletionResultType]::ParameterName, 'JSON file with the access key and the handlers of each hub, in the format of Microsoft''s emulator')
            [CompletionResult]::new('--handler-timeout', '--handler-timeout', [CompletionResultType]::ParameterName, 'Time limit for an event, all attempts together [default: 100s]')
            [CompletionResult]::new('--handler-retries', '--handler-retries', [CompletionResultType]::ParameterName, 'Retries of a failed request: after 1 s, 3 s, then every 5 s [default: 3]')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of event handler certificates to trust in addition to the system''s roots')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--exec', '--exec', [CompletionResultType]::ParameterName, 'Run CMD with the shell once ready; when it ends, end with its exit code')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write all traffic to FILE, as ndjson: sockets, every frame both ways, refusals; tokens redacted')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--allow-anonymous', '--allow-anonymous', [CompletionResultType]::ParameterName, 'Accept clients without a token; they have no roles')
            [CompletionResult]::new('--allow-unvalidated-entra', '--allow-unvalidated-entra', [CompletionResultType]::ParameterName, 'Accept REST requests with an Entra token whose signature is not checked; on this machine only')
            [CompletionResult]::new('--no-echo-events', '--no-echo-events', [CompletionResultType]::ParameterName, 'Have no handler for events: they fail with `InternalServerError`')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate of an event handler; for tests only')
            [CompletionResult]::new('--exit-on-stdin-close', '--exit-on-stdin-close', [CompletionResultType]::ParameterName, 'End when stdin is closed, so that the emulator never outlives the program that started it')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;url' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make a client access URL, with the key of a connection string or an Entra identity')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Explain a client access URL and what is wrong with it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;url;create' {
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit for getting a token, with --endpoint')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to use, or `none`')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use instead of asking DNS, repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Header for the WebSocket handshake, repeatable')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'PEM file of certificates to trust besides the platform''s roots')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'PEM file with a client certificate and its chain')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'PEM file with the private key of --client-cert, not encrypted')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'The same as --initial-group')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The same as --initial-group')
            [CompletionResult]::new('--not-before', '--not-before', [CompletionResultType]::ParameterName, 'Start of validity: a time such as `2030-01-01T12:00:00Z`, or a duration from now; not with --endpoint')
            [CompletionResult]::new('--audience', '--audience', [CompletionResultType]::ParameterName, 'Audience of the token [default: from endpoint and --hub]')
            [CompletionResult]::new('--claim', '--claim', [CompletionResultType]::ParameterName, 'Additional claim, repeatable; VALUE is JSON if it parses as such, else a string')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--no-system-roots', '--no-system-roots', [CompletionResultType]::ParameterName, 'Trust only --ca-cert, not the platform''s roots')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate; for tests only')
            [CompletionResult]::new('--token-only', '--token-only', [CompletionResultType]::ParameterName, 'Print only the token')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;url;inspect' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'Client access URL; `-`: stdin, `@FILE`: a file')
            [CompletionResult]::new('--url-command', '--url-command', [CompletionResultType]::ParameterName, 'Shell command that prints the URL')
            [CompletionResult]::new('--connection-string', '--connection-string', [CompletionResultType]::ParameterName, 'Connection string of the service; needs --hub; `-`, `@FILE`')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'The emulator on this machine [default PORT: 8080]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--endpoint', '--endpoint', [CompletionResultType]::ParameterName, 'Service address, for use with an Entra identity; needs --hub')
            [CompletionResult]::new('--credential', '--credential', [CompletionResultType]::ParameterName, 'Where the identity comes from, with --endpoint [default: auto]')
            [CompletionResult]::new('--credential-command', '--credential-command', [CompletionResultType]::ParameterName, 'Shell command that prints an access token, with --endpoint')
            [CompletionResult]::new('--hub', '--hub', [CompletionResultType]::ParameterName, 'Hub to connect to [default with --local: hub1]')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User id; without it the user is anonymous')
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'Role, repeatable [default: join, leave and send everywhere]')
            [CompletionResult]::new('--initial-group', '--initial-group', [CompletionResultType]::ParameterName, 'Group to be in from the start, repeatable; needs no role')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long each token is valid [default: 60m]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time limit of --url-command')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of stdout')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;url;help' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make a client access URL, with the key of a connection string or an Entra identity')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Explain a client access URL and what is wrong with it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;url;help;create' {
            break
        }
        'wps;url;help;inspect' {
            break
        }
        'wps;url;help;help' {
            break
        }
        'wps;config' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print the path of the configuration file, whether or not it exists')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write an initial configuration file, and print its path')
            [CompletionResult]::new('edit', 'edit', [CompletionResultType]::ParameterValue, 'Open the configuration file in an editor, and check it afterwards')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the profiles, each with its kind of source and its hub')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print the effective settings of profile, environment and defaults, without secrets')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check every profile: names, types, and whether files it refers to can be read')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;config;path' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;config;init' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;config;edit' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;config;list' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;config;show' {
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile to show [default: `WPS_PROFILE`, else none]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;config;check' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors on stderr')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more: -v lifecycle, -vv frames, -vvv handshake')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;config;help' {
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print the path of the configuration file, whether or not it exists')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write an initial configuration file, and print its path')
            [CompletionResult]::new('edit', 'edit', [CompletionResultType]::ParameterValue, 'Open the configuration file in an editor, and check it afterwards')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the profiles, each with its kind of source and its hub')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print the effective settings of profile, environment and defaults, without secrets')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check every profile: names, types, and whether files it refers to can be read')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;config;help;path' {
            break
        }
        'wps;config;help;init' {
            break
        }
        'wps;config;help;edit' {
            break
        }
        'wps;config;help;list' {
            break
        }
        'wps;config;help;show' {
            break
        }
        'wps;config;help;check' {
            break
        }
        'wps;config;help;help' {
            break
        }
        'wps;schema' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;completions' {
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'What can stand at this place of a command line, from 0, for the scripts')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;man' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'Directory to write to; created if missing; existing pages are replaced')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wps;help' {
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Print what arrives: messages of the given groups, server messages, lifecycle events')
            [CompletionResult]::new('join', 'join', [CompletionResultType]::ParameterValue, 'Join groups, report each ack, and exit; --stay holds the membership')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Publish a message to a group')
            [CompletionResult]::new('event', 'event', [CompletionResultType]::ParameterValue, 'Send a custom event to the application server')
            [CompletionResult]::new('invoke', 'invoke', [CompletionResultType]::ParameterValue, 'Call the application server and print its answer')
            [CompletionResult]::new('stream', 'stream', [CompletionResultType]::ParameterValue, 'Publish stdin to a group as one stream, as it arrives')
            [CompletionResult]::new('repl', 'repl', [CompletionResultType]::ParameterValue, 'Join, send and look around by hand on one connection; also runs scripts')
            [CompletionResult]::new('replay', 'replay', [CompletionResultType]::ParameterValue, 'Send the messages of a recording again')
            [CompletionResult]::new('ping', 'ping', [CompletionResultType]::ParameterValue, 'Measure round trips of a connection, with statistics')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Measure throughput, latency and losses through a group')
            [CompletionResult]::new('state', 'state', [CompletionResultType]::ParameterValue, 'Set your state in a group, and see those of its members')
            [CompletionResult]::new('service', 'service', [CompletionResultType]::ParameterValue, 'Do what an application server does, through the REST API')
            [CompletionResult]::new('webhook', 'webhook', [CompletionResultType]::ParameterValue, 'Act as the service towards your event handler')
            [CompletionResult]::new('trace', 'trace', [CompletionResultType]::ParameterValue, 'Print the live trace of a resource, one line per event')
            [CompletionResult]::new('tunnel', 'tunnel', [CompletionResultType]::ParameterValue, 'Forward the events of a real hub to a server on this machine')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check a connection step by step, and say what is wrong with it')
            [CompletionResult]::new('emulator', 'emulator', [CompletionResultType]::ParameterValue, 'Run a local Web PubSub service on this machine, for development and tests')
            [CompletionResult]::new('url', 'url', [CompletionResultType]::ParameterValue, 'Make client access URLs, or explain them')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Manage profiles: named sets of flags in a configuration file')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of the records of -o ndjson')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Write the man pages')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wps;help;listen' {
            break
        }
        'wps;help;join' {
            break
        }
        'wps;help;send' {
            break
        }
        'wps;help;event' {
            break
        }
        'wps;help;invoke' {
            break
        }
        'wps;help;stream' {
            break
        }
        'wps;help;repl' {
            break
        }
        'wps;help;replay' {
            break
        }
        'wps;help;ping' {
            break
        }
        'wps;help;bench' {
            [CompletionResult]::new('pub', 'pub', [CompletionResultType]::ParameterValue, 'Publish to a group on a schedule, and time the acks')
            [CompletionResult]::new('sub', 'sub', [CompletionResultType]::ParameterValue, 'Subscribe to a group, and time what other runs publish to it')
            [CompletionResult]::new('pubsub', 'pubsub', [CompletionResultType]::ParameterValue, 'Publish and subscribe, and time each message from sender to receiver')
            [CompletionResult]::new('compare', 'compare', [CompletionResultType]::ParameterValue, 'Compare two runs, with a verdict where they differ by more than chance')
            [CompletionResult]::new('merge', 'merge', [CompletionResultType]::ParameterValue, 'Add up the runs of several machines')
            break
        }
        'wps;help;bench;pub' {
            break
        }
        'wps;help;bench;sub' {
            break
        }
        'wps;help;bench;pubsub' {
            break
        }
        'wps;help;bench;compare' {
            break
        }
        'wps;help;bench;merge' {
            break
        }
        'wps;help;state' {
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set this connection''s state in a group, for as long as the command runs')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Print the states of the members of a group, and exit')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Print the states of the members of a group, and each change')
            break
        }
        'wps;help;state;set' {
            break
        }
        'wps;help;state;list' {
            break
        }
        'wps;help;state;watch' {
            break
        }
        'wps;help;service' {
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Send a message to all connections, a group, a user or a connection')
            [CompletionResult]::new('connections', 'connections', [CompletionResultType]::ParameterValue, 'List the connections in a group, one per line')
            [CompletionResult]::new('exists', 'exists', [CompletionResultType]::ParameterValue, 'Check whether a connection, group or user exists, or whether a connection is in a group; exit 0: yes, 12: no')
            [CompletionResult]::new('close', 'close', [CompletionResultType]::ParameterValue, 'Close a connection, those of a group or a user, or all')
            [CompletionResult]::new('group', 'group', [CompletionResultType]::ParameterValue, 'Add connections to a group, or remove them')
            [CompletionResult]::new('permission', 'permission', [CompletionResultType]::ParameterValue, 'Grant, revoke or check a permission of a connection')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Check whether the service is healthy')
            break
        }
        'wps;help;service;send' {
            break
        }
        'wps;help;service;connections' {
            break
        }
        'wps;help;service;exists' {
            break
        }
        'wps;help;service;close' {
            break
        }
        'wps;help;service;group' {
            break
        }
        'wps;help;service;permission' {
            break
        }
        'wps;help;service;health' {
            break
        }
        'wps;help;webhook' {
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Send everything that the service sends to a handler, step by step')
            [CompletionResult]::new('validate', 'validate', [CompletionResultType]::ParameterValue, 'Ask whether the handler accepts events: OPTIONS, abuse protection')
            [CompletionResult]::new('connect', 'connect', [CompletionResultType]::ParameterValue, 'Ask whether a client may connect')
            [CompletionResult]::new('event', 'event', [CompletionResultType]::ParameterValue, 'Send an event of a client, and print the answer')
            [CompletionResult]::new('connected', 'connected', [CompletionResultType]::ParameterValue, 'Report that a client has connected')
            [CompletionResult]::new('disconnected', 'disconnected', [CompletionResultType]::ParameterValue, 'Report that a connection has ended')
            break
        }
        'wps;help;webhook;test' {
            break
        }
        'wps;help;webhook;validate' {
            break
        }
        'wps;help;webhook;connect' {
            break
        }
        'wps;help;webhook;event' {
            break
        }
        'wps;help;webhook;connected' {
            break
        }
        'wps;help;webhook;disconnected' {
            break
        }
        'wps;help;trace' {
            break
        }
        'wps;help;tunnel' {
            break
        }
        'wps;help;doctor' {
            break
        }
        'wps;help;emulator' {
            break
        }
        'wps;help;url' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make a client access URL, with the key of a connection string or an Entra identity')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Explain a client access URL and what is wrong with it')
            break
        }
        'wps;help;url;create' {
            break
        }
        'wps;help;url;inspect' {
            break
        }
        'wps;help;config' {
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print the path of the configuration file, whether or not it exists')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write an initial configuration file, and print its path')
            [CompletionResult]::new('edit', 'edit', [CompletionResultType]::ParameterValue, 'Open the configuration file in an editor, and check it afterwards')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the profiles, each with its kind of source and its hub')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print the effective settings of profile, environment and defaults, without secrets')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check every profile: names, types, and whether files it refers to can be read')
            break
        }
        'wps;help;config;path' {
            break
        }
        'wps;help;config;init' {
            break
        }
        'wps;help;config;edit' {
            break
        }
        'wps;help;config;list' {
            break
        }
        'wps;help;config;show' {
            break
        }
        'wps;help;config;check' {
            break
        }
        'wps;help;schema' {
            break
        }
        'wps;help;completions' {
            break
        }
        'wps;help;man' {
            break
        }
        'wps;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
