// node tools/tlog-tools.mjs: prints, as JSON, where the programs of others are that the transparency log is held to:
// `fsck` of transparency-dev/tessera, which reads a whole log, and the reference witness. Builds them, once, through the
// Go module proxy and keeps them in .cache/. Without Go it prints nothing and ends with 3; in CI that is an error.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { built, cache, moduleFolder, output } from './go.mjs';

const versions = {
  'github.com/transparency-dev/tessera': 'v1.0.4',
  'github.com/transparency-dev/witness': 'v0.0.0-20260720115447-2e1c6971d19e',
  // The newest with a version; the witness names an unversioned one, which not every proxy has.
  'github.com/transparency-dev/merkle': 'v0.0.2',
};
const [tessera, witness, merkle] = Object.keys(versions);
const folder = join(cache, `tlog-tools/${versions[tessera]}-${versions[witness]}-${versions[merkle]}`);
const programs = { fsck: join(folder, 'fsck'), witness: join(folder, 'witness') };

/** tessera's own check of a whole log; its own program tells nobody that the check failed, and waits for a terminal. */
const fsckSource = `package main

import (
	"context"
	"log"
	"net/url"
	"os"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func leaves(bundle []byte) ([][]byte, error) {
	b := &api.EntryBundle{}
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	hashes := [][]byte{}
	for _, e := range b.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return hashes, nil
}

// fsck ORIGIN VKEY URL
func main() {
	verifier, err := note.NewVerifier(os.Args[2])
	must(err)
	address, err := url.Parse(os.Args[3])
	must(err)
	source, err := client.NewHTTPFetcher(address, nil)
	must(err)
	must(fsck.New(os.Args[1], verifier, source, leaves, fsck.Opts{N: 4}).Check(context.Background()))
}
`;

/** omniwitness without its database, metrics and public logs: its own `Main`, in memory. */
const witnessSource = `package main

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"

	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/config"
	"github.com/transparency-dev/witness/omniwitness"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"golang.org/x/mod/sumdb/note"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// witness ADDRESS KEYFILE LOGSFILE
func main() {
	ctx := context.Background()
	key, err := os.ReadFile(os.Args[2])
	must(err)
	signer, err := f_note.NewSignerForCosignatureV1(string(key))
	must(err)
	yaml, err := os.ReadFile(os.Args[3])
	must(err)
	static, err := omniwitness.NewStaticLogConfig(yaml)
	must(err)
	var logs []config.Log
	for l, err := range static.Logs(ctx) {
		must(err)
		logs = append(logs, l)
	}
	p := inmemory.New()
	must(p.AddLogs(ctx, logs))
	listener, err := net.Listen("tcp", os.Args[1])
	must(err)
	must(omniwitness.Main(ctx, omniwitness.OperatorConfig{WitnessKeys: []note.Signer{signer}, WitnessVerifier: signer.Verifier(), Logs: p}, p, listener, http.DefaultClient))
}
`;

/** What the witness uses of the newer library beside add-checkpoint, refused: nobody asks this one to sign subtrees. */
const subtreeSource = `package proof

import (
	"errors"

	"github.com/transparency-dev/merkle"
)

func VerifySubtreeConsistency(merkle.LogHasher, uint64, uint64, uint64, [][]byte, []byte, []byte) error {
	return errors.New("not built in")
}
`;

function make(go, work) {
  const environment = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' };
  const program = (name, source, module, replace = '') => {
    const folder = join(work, `${name}-source`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'main.go'), source);
    writeFileSync(join(folder, 'go.mod'), `module ${name}\n\ngo 1.25.0\n\nrequire ${module} ${versions[module]}\n\n${replace}`);
    output(go, ['build', '-mod=mod', '-p', '2', '-o', join(work, name), 'main.go'], { cwd: folder, env: environment });
  };
  program('fsck', fsckSource, tessera);
  cpSync(moduleFolder(go, `${merkle}@${versions[merkle]}`), join(work, 'merkle'), { recursive: true });
  // The module cache cannot be written to, and neither can a copy of it.
  output('chmod', ['-R', 'u+w', join(work, 'merkle')]);
  writeFileSync(join(work, 'merkle/proof/subtree.go'), subtreeSource);
  program('witness', witnessSource, witness, `replace ${merkle} => ../merkle\n`);
}

for (const [module, version] of Object.entries(versions)) console.error(`${module} ${version}`);
await built('the tools of a transparency log', programs, make);
console.log(JSON.stringify(programs));
