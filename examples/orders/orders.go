// Package orders is the small HTTP service behind the example API: it keeps
// orders in memory. It knows nothing of tokens: whoever reaches it has been let
// through by the gateway, so it must not be reachable otherwise.
package orders

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxBody        = 64 << 10 // bytes of a request
	maxCorrelation = 128      // characters of a correlation id
	// maxOrders and maxFiles bound the memory of a service that anybody with
	// a token may fill.
	maxOrders = 10_000
	maxFiles  = 1_000
)

// Order is what a customer wants.
type Order struct {
	ID       string    `json:"id"`
	Item     string    `json:"item"`
	Quantity int       `json:"quantity"`
	Created  time.Time `json:"created"`
}

// Service keeps orders and files. The zero value is not usable: call [New].
type Service struct {
	now  func() time.Time
	next int
	mu   sync.Mutex
	// orders are in the order of their creation.
	orders []Order
	files  map[string][]byte
	mux    *http.ServeMux
}

// New makes an empty service; now defaults to [time.Now].
func New(now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	s := &Service{now: now, files: map[string][]byte{}, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /health", s.health)
	s.mux.HandleFunc("GET /orders", s.list)
	s.mux.HandleFunc("POST /orders", s.create)
	s.mux.HandleFunc("GET /orders/export", s.export)
	s.mux.HandleFunc("GET /orders/{id}", s.get)
	s.mux.HandleFunc("DELETE /orders/{id}", s.delete)
	s.mux.HandleFunc("GET /files/{path...}", s.getFile)
	s.mux.HandleFunc("PUT /files/{path...}", s.putFile)
	return s
}

// CorrelationHeader names a request to whoever made it: the answer repeats it.
const CorrelationHeader = "X-Correlation-Id"

// ServeHTTP answers with JSON, files aside.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id := r.Header.Get(CorrelationHeader); id != "" && len(id) <= maxCorrelation {
		w.Header().Set(CorrelationHeader, id)
	}
	s.mux.ServeHTTP(w, r)
}

func (s *Service) health(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (s *Service) list(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"orders": append([]Order{}, s.orders...)})
}

// export lists all orders, one JSON document a line.
func (s *Service) export(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK) // also where nothing follows
	encoder := json.NewEncoder(w)
	for _, o := range s.orders {
		_ = encoder.Encode(o) // the caller is gone: nothing to do
	}
}

func (s *Service) create(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Item     string `json:"item"`
		Quantity int    `json:"quantity"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&wanted); err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf("body: %w, want {\"item\": …, \"quantity\": …}", err))
		return
	}
	if err := check(wanted.Item, wanted.Quantity); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.orders) == maxOrders {
		refuse(w, http.StatusInsufficientStorage, fmt.Errorf("orders: %d are kept, delete some", maxOrders))
		return
	}
	s.next++
	o := Order{ID: strconv.Itoa(s.next), Item: wanted.Item, Quantity: wanted.Quantity, Created: s.now().UTC()}
	s.orders = append(s.orders, o)
	w.Header().Set("Location", "/orders/"+o.ID)
	answer(w, http.StatusCreated, o)
}

func check(item string, quantity int) error {
	var errs []error
	if strings.TrimSpace(item) == "" {
		errs = append(errs, errors.New("item: got nothing, want what is ordered"))
	}
	if quantity < 1 {
		errs = append(errs, fmt.Errorf("quantity: got %d, want at least 1", quantity))
	}
	return errors.Join(errs...)
}

func (s *Service) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(r.PathValue("id"))
	if i < 0 {
		refuse(w, http.StatusNotFound, fmt.Errorf("order %q: not found", r.PathValue("id")))
		return
	}
	answer(w, http.StatusOK, s.orders[i])
}

func (s *Service) delete(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(r.PathValue("id"))
	if i < 0 {
		refuse(w, http.StatusNotFound, fmt.Errorf("order %q: not found", r.PathValue("id")))
		return
	}
	s.orders = slices.Delete(s.orders, i, i+1)
	w.WriteHeader(http.StatusNoContent)
}

// find is the place of an order, or -1.
func (s *Service) find(id string) int {
	return slices.IndexFunc(s.orders, func(o Order) bool { return o.ID == id })
}

func (s *Service) getFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, ok := s.files[r.PathValue("path")]
	if !ok {
		refuse(w, http.StatusNotFound, fmt.Errorf("file %q: not found", r.PathValue("path")))
		return
	}
	// Never what a browser would run: the content is whatever a caller sent.
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(content) // the caller is gone: nothing to do
}

func (s *Service) putFile(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Errorf("body: %w", err))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := r.PathValue("path")
	if _, exists := s.files[path]; !exists && len(s.files) == maxFiles {
		refuse(w, http.StatusInsufficientStorage, fmt.Errorf("files: %d are kept", maxFiles))
		return
	}
	s.files[path] = content
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the caller is gone: nothing to do
}

func refuse(w http.ResponseWriter, status int, err error) {
	answer(w, status, map[string]string{"message": err.Error()})
}
