# Sends a call of the flux command to the instance, like cli.ts but in a tenth of the time. Node.js
# takes 0.1 s to start, and tests make thousands of calls. bin/flux runs this program if perl is
# installed. It needs no Perl modules.
#
#   perl client.pl COMMAND... -- ARGS     COMMAND runs cli.ts, for calls that this program cannot do
use strict;

my @instead;
while (@ARGV) {
  my $word = shift @ARGV;
  last if $word eq '--';
  push @instead, $word;
}

my %env = %ENV;
# The caller of `flux exec` keeps its user even if it sets another environment for the command: the
# parent process's SANDBOX_USER takes effect.
if ($ARGV[0] eq 'exec' && !$env{SANDBOX_USER} && open(my $file, '<', '/proc/' . getppid() . '/environ')) {
  local $/;
  my ($user) = map { /^SANDBOX_USER=(.+)/s } split /\0/, <$file>;
  $env{SANDBOX_USER} = $user if defined $user;
}

# The numbers are AF_UNIX and SOCK_STREAM (1), and EINTR (4).
my $path = $env{FLUX_URI} =~ s{^local://}{}r;
my $interrupted = 4;
socket(my $socket, 1, 1, 0) or die "socket: $!\n";
connect($socket, pack('S Z*', 1, $path)) or exec @instead, @ARGV;

sub write_all {
  my ($to, $bytes) = @_;
  while (length $bytes) {
    my $written = syswrite($to, $bytes);
    if (defined $written) { substr($bytes, 0, $written) = '' }
    elsif ($! != $interrupted) { return }
  }
}

# Sends a frame in the format of wire.ts.
sub frame { write_all($socket, $_[0] . pack('N', length $_[1]) . $_[1]) }

sub json {
  my $text = shift;
  $text =~ s/([\x00-\x1f"\\])/sprintf '\u%04x', ord $1/ge;
  return "\"$text\"";
}

my $argv = join ',', map { json($_) } @ARGV;
my $env = join ',', map { json($_) . ':' . json($env{$_}) } keys %env;
frame('R', "{\"argv\":[$argv],\"cwd\":" . json(readlink '/proc/self/cwd') . ",\"env\":{$env}}");

# These commands forward signals to the processes that they run. Signals kill all others.
if ($ARGV[0] =~ /^(exec|run)$/) {
  for my $name (qw(TERM INT HUP)) { $SIG{$name} = sub { frame('S', "SIG$name") } }
}

my $received = '';
my $read_stdin = 0;
for (;;) {
  my $ready = '';
  vec($ready, fileno($socket), 1) = 1;
  vec($ready, 0, 1) = 1 if $read_stdin;
  next if select($ready, undef, undef, undef) < 0;
  if ($read_stdin && vec($ready, 0, 1)) {
    my $count = sysread(STDIN, my $chunk, 65536);
    if ($count) { frame('I', $chunk) }
    elsif (defined $count || $! != $interrupted) { frame('E', ''); $read_stdin = 0 }
  }
  next unless vec($ready, fileno($socket), 1);
  my $count = sysread($socket, $received, 65536, length $received);
  next if !defined $count && $! == $interrupted;
  if (!$count) {
    print STDERR "flux-$ARGV[0]: lost connection to the broker: Connection reset by peer\n";
    exit 1;
  }
  while (length $received >= 5) {
    my ($type, $length) = unpack 'a N', $received;
    last if length $received < 5 + $length;
    my $payload = substr $received, 5, $length;
    substr($received, 0, 5 + $length) = '';
    if ($type eq 'O') { write_all(\*STDOUT, $payload) }
    elsif ($type eq 'P') { write_all(\*STDERR, $payload) }
    elsif ($type eq 'W') { $read_stdin = 1 }
    elsif ($type eq 'X') { exit $payload }
  }
}
