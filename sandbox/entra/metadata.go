package entra

import "net/http"

// metadata tells Azure clients where this cloud's services are. The azuread
// provider reads it from its metadata host before anything else. There is no
// resource manager here: the member must be there, and names this address.
// https://registry.terraform.io/providers/hashicorp/azuread/latest/docs#metadata_host
func (c *cloud) metadata(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/metadata/endpoints" {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the metadata document can only be read", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Query().Get("api-version") == "" {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": map[string]string{
			"code": "MissingApiVersionParameter", "message": "The api-version query parameter (?api-version=) is required for all requests.",
		}})
		return
	}
	address := c.baseURL + "/"
	writeJSON(w, http.StatusOK, map[string]any{
		"name":                     "EntraSandbox",
		"resourceManager":          address,
		"microsoftGraphResourceId": address,
		"graph":                    address,
		"authentication": map[string]any{
			"loginEndpoint": address, "audiences": []string{"https://management.core.windows.net/", "https://management.azure.com/"},
			"tenant": "common", "identityProvider": "AAD",
		},
		"suffixes": map[string]string{},
	})
}
