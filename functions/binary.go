package functions

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
)

// machines are the architectures as ELF has them.
var machines = map[Architecture]elf.Machine{ARM64: elf.EM_AARCH64, X8664: elf.EM_X86_64}

// readBinary reads a program that is built already.
func (p Program) readBinary() ([]byte, error) {
	raw, err := os.ReadFile(p.Binary)
	if err != nil {
		return nil, fmt.Errorf("binary: %w", err)
	}
	if got := p.unfit(raw); got != "" {
		return nil, fmt.Errorf("binary %s: got %s, want a Linux program for %s", p.Binary, got, p.architecture())
	}
	return raw, nil
}

// unfit says what a file is if provided.al2023 cannot start it, else "". It may
// be linked dynamically: there is a C library.
func (p Program) unfit(raw []byte) string {
	file, err := elf.NewFile(bytes.NewReader(raw))
	if err != nil {
		return "what is not an ELF file"
	}
	machine, known := machines[p.architecture()]
	switch {
	case file.OSABI != elf.ELFOSABI_NONE && file.OSABI != elf.ELFOSABI_LINUX:
		return "a program for another system, " + file.OSABI.String()
	case file.Class != elf.ELFCLASS64 || file.Data != elf.ELFDATA2LSB || (known && file.Machine != machine):
		return "one for " + file.Machine.String() + ", " + file.Class.String()
	case (file.Type != elf.ET_EXEC && file.Type != elf.ET_DYN) || file.Entry == 0: // ET_DYN: position independent
		return "what cannot be started, " + file.Type.String()
	}
	return ""
}
