# Mail::DKIM as a signer and a judge, for test_check_dkim_oracles.py: the same words as test_check_dkim_opendkim.c.
# (It has no Ed25519.)
use strict;
use warnings;
use Mail::DKIM::PrivateKey;
use Mail::DKIM::PublicKey;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;

my $directory = $ARGV[0];

sub slurp {
    open my $in, '<', "$directory/$_[0]" or die "$_[0]: $!\n";
    local $/;
    return scalar <$in>;
}

my %records = (rsa => slurp('rsa.txt'), ed => slurp('ed.txt'));
my $key = Mail::DKIM::PrivateKey->load(File => "$directory/rsa.pem");

{
    no warnings 'redefine';
    *Mail::DKIM::PublicKey::fetch_async = sub {
        my ($class, %asked) = @_;
        my $record = lc $asked{Domain} eq 'example.com' ? $records{$asked{Selector}} : undef;
        my @key = defined $record ? $class->parse($record) : ();
        my $heard = $asked{Callbacks}{Success} || sub { $_[0] };
        return sub { $heard->(@key) };
    };
}

sub sign {
    my ($header, $body, $text) = @_;
    my $dkim = Mail::DKIM::Signer->new(Algorithm => 'rsa-sha256', Method => "$header/$body", Domain => 'example.com',
        Selector => 'rsa', Key => $key);
    $dkim->PRINT($text);
    $dkim->CLOSE;
    return $dkim->signature->as_string . "\r\n";
}

sub verify {
    my ($text) = @_;
    my $dkim = Mail::DKIM::Verifier->new();
    $dkim->PRINT($text);
    $dkim->CLOSE;
    return join ' ', map { $_->result // 'none' } $dkim->signatures;
}

binmode STDIN;
binmode STDOUT;
$| = 1;
while (defined(my $line = <STDIN>)) {
    my @words = split ' ', $line;
    read(STDIN, my $text, $words[-1]) == $words[-1] or die "the message ended early\n";
    if ($words[0] eq 'sign') {
        my $field = sign(@words[2, 3], $text);
        print length($field), "\n", $field;
    } else {
        print verify($text), "\n";
    }
}
