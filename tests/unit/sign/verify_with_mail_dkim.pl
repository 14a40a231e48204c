# Does Mail::DKIM find our RSA signatures good, and one with a changed body bad? (It has no Ed25519.)
#
# Usage: verify_with_mail_dkim.pl PRINT_SIGNED
use strict;
use warnings;
use Mail::DKIM::PublicKey;
use Mail::DKIM::Verifier;

my (%keys, @messages);

open my $in, '-|', $ARGV[0] or die "can't run $ARGV[0]: $!\n";
binmode $in;
while (defined(my $line = <$in>)) {
    chomp $line;
    last if $line eq 'end';
    if ($line =~ /^key (\S+) (.*)$/) {
        $keys{$1} = $2;
    } elsif ($line =~ /^message (\d+) (.*)$/) {
        my ($size, $name) = ($1, $2);
        read($in, my $text, $size) == $size or die "print_signed ended early\n";
        push @messages, [$name, $text];
    } else {
        die "not understood: $line\n";
    }
}
close $in or die "print_signed failed\n";
die "too few samples\n" if keys %keys != 2 || @messages < 15;

{
    no warnings 'redefine';
    *Mail::DKIM::PublicKey::fetch_async = sub {
        my ($class, %asked) = @_;
        my $record = $keys{"$asked{Selector}._domainkey.$asked{Domain}"};
        my @key = defined $record ? $class->parse($record) : ();
        my $heard = $asked{Callbacks}{Success} || sub { $_[0] };
        return sub { $heard->(@key) };
    };
}

# The result of our signature made with that algorithm.
sub verify {
    my ($text, $selector) = @_;
    my $dkim = Mail::DKIM::Verifier->new();
    $dkim->PRINT($text);
    $dkim->CLOSE;
    for my $signature ($dkim->signatures) {
        return $signature->result_detail if ($signature->selector // '') eq $selector;
    }
    return 'not found';
}

my $wrong = 0;
for my $message (@messages) {
    my ($name, $text) = @$message;
    my $got = verify($text, 'rsa');
    if ($got ne 'pass') {
        print "$name: $got\n";
        $wrong++;
    }
    my $rest = $text =~ /\r\n\r\n/ ? "x\r\n" : "\r\nx\r\n";
    $got = verify($text . $rest, 'rsa');
    if ($got !~ /^fail/) {
        print "$name, changed: $got\n";
        $wrong++;
    }
    $got = verify("From: mallory\@example.org\r\n" . $text, 'rsa');
    if ($got !~ /^fail/) {
        print "$name, with another From: $got\n";
        $wrong++;
    }
}
printf "%d messages, %d wrong\n", scalar @messages, $wrong;
exit($wrong > 0);
