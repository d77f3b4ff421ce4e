package cloudwatch

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

// Major types of CBOR, see https://www.rfc-editor.org/rfc/rfc8949#section-3.1.
const (
	cborUint = iota
	cborNegative
	cborBytes
	cborText
	cborList
	cborMap
	cborTag
	cborSimple
)

// timeTag marks seconds since 1970.
const timeTag = 1

// maxDepth is how deep CBOR may nest.
const maxDepth = 32

// indefinite is the length of what ends with a break.
const indefinite = 31

var (
	errCut   = errors.New("CBOR: the document is cut short")
	errBreak = errors.New("CBOR: a break where nothing ends")
)

// decodeCBOR reads one value as encoding/json would give it: times are numbers,
// and what is no number is a text.
func decodeCBOR(raw []byte) (any, error) {
	d := &cborDecoder{raw: raw}
	v, err := d.value(0)
	if err == nil && len(d.raw) > 0 {
		err = errors.New("CBOR: more than one value")
	}
	return v, err
}

type cborDecoder struct{ raw []byte }

// head reads what begins a value. The argument is a length, a number or the bits
// of one.
func (d *cborDecoder) head() (major, minor int, argument uint64, err error) {
	if len(d.raw) == 0 {
		return 0, 0, 0, errCut
	}
	major, minor = int(d.raw[0]>>5), int(d.raw[0]&31)
	d.raw = d.raw[1:]
	switch {
	case minor < 24:
		return major, minor, uint64(minor), nil
	case minor == indefinite:
		return major, minor, 0, nil
	case minor > 27:
		return 0, 0, 0, fmt.Errorf("CBOR: got an argument of kind %d", minor)
	}
	size := 1 << (minor - 24)
	if len(d.raw) < size {
		return 0, 0, 0, errCut
	}
	for _, b := range d.raw[:size] {
		argument = argument<<8 | uint64(b)
	}
	d.raw = d.raw[size:]
	return major, minor, argument, nil
}

func (d *cborDecoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("CBOR: the document nests too deep")
	}
	major, minor, argument, err := d.head()
	if err != nil {
		return nil, err
	}
	if minor == indefinite && major != cborBytes && major != cborText && major != cborList && major != cborMap {
		return nil, errBreak
	}
	switch major {
	case cborUint:
		return argument, nil
	case cborNegative:
		return -1 - float64(argument), nil
	case cborBytes, cborText:
		raw, err := d.text(major, minor, argument)
		if err != nil || major == cborText {
			return string(raw), err
		}
		return base64.StdEncoding.EncodeToString(raw), nil
	case cborList:
		list := []any{}
		err := d.items(minor, argument, func() error {
			v, err := d.value(depth + 1)
			list = append(list, v)
			return err
		})
		return list, err
	case cborMap:
		members := map[string]any{}
		err := d.items(minor, argument, func() error {
			major, minor, argument, err := d.head()
			if err != nil {
				return err
			}
			if major != cborText {
				return errors.New("CBOR: a name that is no text")
			}
			name, err := d.text(major, minor, argument)
			if err != nil {
				return err
			}
			members[string(name)], err = d.value(depth + 1)
			return err
		})
		return members, err
	case cborTag:
		return d.value(depth + 1)
	}
	return simple(minor, argument)
}

// text reads bytes or a text, of one or of several parts.
func (d *cborDecoder) text(major, minor int, length uint64) ([]byte, error) {
	var whole []byte
	part := func(length uint64) error {
		if length > uint64(len(d.raw)) {
			return errCut
		}
		whole = append(whole, d.raw[:length]...)
		d.raw = d.raw[length:]
		return nil
	}
	err := part(length)
	if minor == indefinite {
		err = d.items(indefinite, 0, func() error {
			inner, minor, length, err := d.head()
			if err == nil && (inner != major || minor == indefinite) {
				err = errors.New("CBOR: a part of another kind")
			}
			if err != nil {
				return err
			}
			return part(length)
		})
	}
	if err == nil && major == cborText && !utf8.Valid(whole) {
		err = errors.New("CBOR: a text that is not UTF-8")
	}
	return whole, err
}

// items reads as many items as said, or until a break.
func (d *cborDecoder) items(minor int, count uint64, item func() error) error {
	for i := uint64(0); minor == indefinite || i < count; i++ {
		if len(d.raw) == 0 {
			return errCut
		}
		if minor == indefinite && d.raw[0] == cborSimple<<5|indefinite {
			d.raw = d.raw[1:]
			return nil
		}
		if err := item(); err != nil {
			return err
		}
	}
	return nil
}

func simple(minor int, argument uint64) (any, error) {
	f := 0.0
	switch minor {
	case 20, 21:
		return minor == 21, nil
	case 22, 23:
		return nil, nil //nolint:nilnil // null is a value
	case 25:
		f = half(uint16(argument)) //nolint:gosec // it was read as two bytes
	case 26:
		f = float64(math.Float32frombits(uint32(argument))) //nolint:gosec // it was read as four bytes
	case 27:
		f = math.Float64frombits(argument)
	default:
		return nil, fmt.Errorf("CBOR: got the simple value %d", argument)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return floatText(f), nil
	}
	return f, nil
}

// half is a number of 16 bits.
func half(bits uint16) float64 {
	exponent, fraction := int(bits>>10&31), float64(bits&1023)
	f := 0.0
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, -24)
	case 31:
		f = math.Inf(1)
		if fraction != 0 {
			return math.NaN()
		}
	default:
		f = math.Ldexp(1024+fraction, exponent-25)
	}
	if bits>>15 == 1 {
		return -f
	}
	return f
}

// encodeCBOR writes a tree.
func encodeCBOR(v any) []byte { return appendCBOR(nil, v) }

func appendHead(out []byte, major int, argument uint64) []byte {
	kind := byte(major << 5) //nolint:gosec // there are eight
	switch {
	case argument < 24:
		return append(out, kind|byte(argument))
	case argument <= math.MaxUint8:
		return append(out, kind|24, byte(argument))
	case argument <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(out, kind|25), uint16(argument))
	case argument <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(out, kind|26), uint32(argument))
	}
	return binary.BigEndian.AppendUint64(append(out, kind|27), argument)
}

func appendCBOR(out []byte, v any) []byte {
	text := func(out []byte, s string) []byte { return append(appendHead(out, cborText, uint64(len(s))), s...) }
	switch v := v.(type) {
	case object:
		out = appendHead(out, cborMap, uint64(len(v)))
		for _, each := range v {
			out = appendCBOR(text(out, each.name), each.value)
		}
	case table:
		out = appendHead(out, cborMap, uint64(len(v)))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = appendCBOR(text(out, name), v[name])
		}
	case []any:
		out = appendHead(out, cborList, uint64(len(v)))
		for _, each := range v {
			out = appendCBOR(out, each)
		}
	case string:
		return text(out, v)
	case bool:
		if v {
			return append(out, cborSimple<<5|21)
		}
		return append(out, cborSimple<<5|20)
	case int64:
		if v < 0 {
			return appendHead(out, cborNegative, uint64(-1-v))
		}
		return appendHead(out, cborUint, uint64(v))
	case float64:
		return binary.BigEndian.AppendUint64(append(out, cborSimple<<5|27), math.Float64bits(v))
	case time.Time:
		return appendCBOR(appendHead(out, cborTag, timeTag), epoch(v))
	}
	return out
}
